#include "mudra/simd/sparse_matmul.h"

#include <algorithm>
#include <bit>

#include "mudra/simd/kernel.h"
#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/sparse_matmul.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

constexpr int most_panels = std::max(1, 8 / parts);  // taken together

// Columns taken together: the weights of 8 panels then stay in the first-level cache (24 KiB of floats).
constexpr int64_t block = 48;

// Which of up to 64 columns of a row are not zero, a bit for each.
HWY_INLINE uint64_t find_columns(const Scalar* HWY_RESTRICT x, int64_t count) {
  const D d;
  uint64_t found = 0;
  int64_t k = 0;
  for (; k + lanes <= count; k += lanes) {
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, x + k), hn::Zero(d)), bytes);
    found |= static_cast<uint64_t>(bytes[0] | bytes[1] << 8) << k;
  }
  for (; k < count; ++k) found |= static_cast<uint64_t>(x[k] != 0) << k;
  return found;
}

// sums [rows][P * 16] += the terms of a block.   columns: of every row   w: the block's first column in the
// first of P panels
template <int P>
HWY_NOINLINE void add_block(const Scalar* HWY_RESTRICT x, int64_t rows, int64_t depth,
                            const uint64_t* HWY_RESTRICT columns, const Scalar* HWY_RESTRICT w,
                            int64_t panel_stride, Scalar* HWY_RESTRICT sums, int64_t sums_stride) {
  const D d;
  for (int64_t n = 0; n < rows; ++n, x += depth, sums += sums_stride) {
    V sum[P * parts];
    unroll<P * parts>([&](auto i) MUDRA_INLINE { sum[i] = hn::Load(d, sums + i * lanes); });
    for (uint64_t left = columns[n]; left != 0; left &= left - 1) {
      const int64_t k = std::countr_zero(left);
      const V value = hn::Set(d, x[k]);
      const Scalar* from = w + k * panel_width;
      unroll<P * parts>([&](auto i) MUDRA_INLINE {
        sum[i] = hn::MulAdd(value, hn::Load(d, from + i / parts * panel_stride + i % parts * lanes), sum[i]);
      });
    }
    unroll<P * parts>([&](auto i) MUDRA_INLINE { hn::Store(sum[i], d, sums + i * lanes); });
  }
}

void SparseMatmul(ThreadTeam& team, const Scalar* x, int64_t rows, int64_t depth, const Scalar* w,
                  int64_t outputs, const Scalar* bias, ActivationKind activation, Scalar* sums, Scalar* y) {
  constexpr int64_t stretch = 64;  // rows of a task
  const int64_t stretches = (rows + stretch - 1) / stretch;
  const int64_t groups = (panel_count(outputs) + most_panels - 1) / most_panels;
  const int64_t panel_stride = depth * panel_width, width = padded(outputs);
  team.run(stretches * groups, [&](int64_t task) {
    const int64_t begin = task / groups * stretch, end = std::min(rows, begin + stretch);
    const int64_t panel = task % groups * most_panels;
    const int64_t panels = std::min<int64_t>(most_panels, panel_count(outputs) - panel);
    const int64_t first = panel * panel_width;
    for (int64_t n = begin; n < end; ++n)
      std::fill_n(sums + n * width + first, panels * panel_width, Scalar{0});
    uint64_t columns[stretch];
    for (int64_t k = 0; k < depth; k += block) {
      const int64_t width_here = std::min(block, depth - k);
      for (int64_t n = begin; n < end; ++n) columns[n - begin] = find_columns(x + n * depth + k, width_here);
      const Scalar* from = w + panel * panel_stride + k * panel_width;
      with_constant<most_panels>(panels, [&](auto p) MUDRA_INLINE {
        add_block<p>(x + begin * depth + k, end - begin, depth, columns, from, panel_stride,
                     sums + begin * width + first, width);
      });
    }
    const int64_t count = std::min(panels * panel_width, outputs - first);
    for (int64_t n = begin; n < end; ++n) {
      const Scalar* from = sums + n * width + first;
      Scalar* to = y + n * outputs + first;
      for (int64_t o = 0; o < count; ++o) to[o] = from[o] + (bias ? bias[first + o] : Scalar{0});
      activate(activation, to, count, to);
    }
  });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

bool sparse_matmul_pays(const Scalar* x, int64_t rows, int64_t depth) {
  const int64_t looked_at = std::min<int64_t>(4, rows);
  int64_t some = 0;
  for (int64_t i = 0; i < looked_at; ++i) {
    const Scalar* row = x + rows * i / looked_at * depth;
    for (int64_t k = 0; k < depth; ++k) some += row[k] != 0;
  }
  return some * 10 < looked_at * depth * 7;
}

MUDRA_KERNEL(sparse_matmul, SparseMatmul);

}  // namespace mudra
#endif
