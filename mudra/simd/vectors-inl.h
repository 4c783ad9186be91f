// Vectors of at most 16 lanes, so that whole ones make up a panel (panels.h) on every instruction set, and
// loops over constants.
#if defined(MUDRA_SIMD_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MUDRA_SIMD_VECTORS_INL_H
#undef MUDRA_SIMD_VECTORS_INL_H
#else
#define MUDRA_SIMD_VECTORS_INL_H
#endif

#include <hwy/highway.h>

#include <utility>

#include "mudra/simd/panels.h"

#ifndef MUDRA_INLINE
#define MUDRA_INLINE __attribute__((always_inline))
#endif

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<Scalar, panel_width>;
using V = hn::Vec<D>;
constexpr int lanes = static_cast<int>(hn::MaxLanes(D()));
constexpr int parts = static_cast<int>(panel_width) / lanes;  // vectors in a panel

// Calls f(0) ... f(N - 1) with constants, so that arrays indexed by them become registers from the start.
template <int N, class F>
HWY_INLINE void unroll(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) MUDRA_INLINE { (f(std::integral_constant<int, I>()), ...); }
  (std::make_integer_sequence<int, N>());
}

// Calls f with the constant, of 1 to N, that `number` is.
template <int N, class F>
HWY_INLINE void with_constant(int64_t number, F f) {
  unroll<N>([&](auto n) MUDRA_INLINE {
    if (number == n + 1) f(std::integral_constant<int, n + 1>());
  });
}

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
