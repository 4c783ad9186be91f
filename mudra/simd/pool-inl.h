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

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
