// Loops over the columns of row-major matrices: whole vectors, then the columns left one by one, so that
// nothing is read or written beyond a row and every column's sum keeps its order.
#if defined(MUDRA_SIMD_COLUMNS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MUDRA_SIMD_COLUMNS_INL_H
#undef MUDRA_SIMD_COLUMNS_INL_H
#else
#define MUDRA_SIMD_COLUMNS_INL_H
#endif

#include <hwy/highway.h>

#include <type_traits>

#include "mudra/core/tensor.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls f(d, vectors, column) with tag d and a constant number of neighbouring vectors from `column` on.
template <class F>
HWY_INLINE void for_columns(int64_t columns, F f) {
  const hn::ScalableTag<Scalar> d;
  const hn::CappedTag<Scalar, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = 0;
  for (; c + 4 * lanes <= columns; c += 4 * lanes) f(d, std::integral_constant<int, 4>(), c);
  for (; c + lanes <= columns; c += lanes) f(d, std::integral_constant<int, 1>(), c);
  for (; c < columns; ++c) f(one, std::integral_constant<int, 1>(), c);
}

// Calls f(d, column) for every vector of columns.
template <class F>
HWY_INLINE void for_vectors(int64_t columns, F f) {
  for_columns(columns, [&](auto d, auto vectors, int64_t c) HWY_ATTR {
    for (int v = 0; v < vectors; ++v, c += static_cast<int64_t>(hn::Lanes(d))) f(d, c);
  });
}

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
