// The inner loop of every product: a tile of rows times panels of weights, whose sums stay in registers.
#if defined(MUDRA_SIMD_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MUDRA_SIMD_PRODUCT_INL_H
#undef MUDRA_SIMD_PRODUCT_INL_H
#else
#define MUDRA_SIMD_PRODUCT_INL_H
#endif

#include <algorithm>

#include "mudra/simd/matmul.h"
#include "mudra/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {

// Register tiles: rows x panels of accumulators, with a few registers left for the operands.
constexpr int accumulators = HWY_TARGET == HWY_NEON ? 24 : parts == 1 ? 28 : 12;
constexpr int wide = parts == 1 ? 2 : 1;  // panels taken together
// The most rows of a tile of P panels.
constexpr int most_rows(int panels) { return std::clamp(accumulators / (panels * parts), 1, 14); }

// sum[r * P * parts + p]: of row r and vector p, for R consecutive rows and P panels.
template <int R, int P>
HWY_INLINE void product_tile(const Scalar* HWY_RESTRICT x, const RowLayout& layout,
                             const Scalar* HWY_RESTRICT w, int64_t panel_stride, V (&sum)[R * P * parts]) {
  const D d;
  constexpr int vectors = P * parts;
  const int64_t stride = layout.row_stride, run_length = layout.run_length, run_stride = layout.run_stride;
  unroll<R * vectors>([&](auto i) MUDRA_INLINE { sum[i] = hn::Zero(d); });
  for (int64_t run = 0; run < layout.runs; ++run) {
    const Scalar* row = x + run * run_stride;
    for (int64_t k = 0; k < run_length; ++k, ++row, w += panel_width) {
      V weight[vectors];
      unroll<vectors>([&](auto p) MUDRA_INLINE {
        weight[p] = hn::Load(d, w + p / parts * panel_stride + p % parts * lanes);
      });
      unroll<R>([&](auto r) MUDRA_INLINE {
        const V value = hn::Set(d, row[r * stride]);
        unroll<vectors>([&](auto p) MUDRA_INLINE {
          constexpr int at = r * vectors + p;
          sum[at] = hn::MulAdd(value, weight[p], sum[at]);
        });
      });
    }
  }
}

// Calls f(R, first) for tiles of R rows from `first` on, times P panels, which are as equal as can be.
template <int P, class F>
HWY_INLINE void for_tiles(int64_t rows, F f) {
  int64_t first = 0;
  for (int64_t tiles = (rows + most_rows(P) - 1) / most_rows(P); tiles > 0; --tiles) {
    const int64_t count = (rows - first) / tiles;
    with_constant<most_rows(P)>(count, [&](auto r) MUDRA_INLINE { f(r, first); });
    first += count;
  }
}

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
