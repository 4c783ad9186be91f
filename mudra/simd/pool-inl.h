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
namespace hn = hwy::HWY_NAMESPACE;

// The larger of a pixel's value and the maximum so far, with its number in the window: the first of equals
// stays, and a NaN counts as larger than everything before it.
template <class D, class V>
HWY_INLINE void keep_larger(D d, V value, int64_t number, V& maximum, V& argmax) {
  const auto stays = hn::Le(value, maximum);
  maximum = hn::IfThenElse(stays, maximum, value);
  argmax = hn::IfThenElse(stays, argmax, hn::Set(d, static_cast<Scalar>(number)));
}

// A window of 2x2 whose values load(0) ... load(3) gives.   argmax: may be null
template <class D, class Load>
HWY_INLINE void pool_two(D d, Load load, Scalar* HWY_RESTRICT y, Scalar* HWY_RESTRICT argmax) {
  auto maximum = load(0), number = hn::Zero(d);
  keep_larger(d, load(1), 1, maximum, number);
  keep_larger(d, load(2), 2, maximum, number);
  keep_larger(d, load(3), 3, maximum, number);
  hn::StoreU(maximum, d, y);
  if (argmax) hn::StoreU(number, d, argmax);
}

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
