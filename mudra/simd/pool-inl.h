// How a maximum is chosen wherever one is taken over a window.
#if defined(MUDRA_SIMD_POOL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MUDRA_SIMD_POOL_INL_H
#undef MUDRA_SIMD_POOL_INL_H
#else
#define MUDRA_SIMD_POOL_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "mudra/core/tensor.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {

// Takes the value of a tap into the best so far and its number: the first of equals stays, a NaN wins.
template <class D, class V>
HWY_INLINE void take_tap(D d, V value, int64_t tap, V& best, V& number) {
  namespace hn = hwy::HWY_NAMESPACE;
  const auto loses = hn::Le(value, best);
  best = hn::IfThenElse(loses, best, value);
  number = hn::IfThenElse(loses, number, hn::Set(d, static_cast<Scalar>(tap)));
}

// A window of 2x2 whose values load(0) ... load(3) gives.   winner: may be null
template <class D, class Load>
HWY_INLINE void pool_two(D d, Load load, Scalar* HWY_RESTRICT y, Scalar* HWY_RESTRICT winner) {
  namespace hn = hwy::HWY_NAMESPACE;
  auto best = load(0), number = hn::Zero(d);
  take_tap(d, load(1), 1, best, number);
  take_tap(d, load(2), 2, best, number);
  take_tap(d, load(3), 3, best, number);
  hn::StoreU(best, d, y);
  if (winner) hn::StoreU(number, d, winner);
}

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
