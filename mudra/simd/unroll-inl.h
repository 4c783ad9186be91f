// Loops over constants.
#if defined(MUDRA_SIMD_UNROLL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MUDRA_SIMD_UNROLL_INL_H
#undef MUDRA_SIMD_UNROLL_INL_H
#else
#define MUDRA_SIMD_UNROLL_INL_H
#endif

#include <hwy/highway.h>

#include <utility>

#ifndef MUDRA_INLINE
#define MUDRA_INLINE __attribute__((always_inline))
#endif

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {

// Calls f(0) ... f(N - 1) with constants, so that arrays indexed by them become registers from the start.
template <int N, class F>
HWY_INLINE void unroll(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) MUDRA_INLINE { (f(std::integral_constant<int, I>()), ...); }
  (std::make_integer_sequence<int, N>());
}

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
