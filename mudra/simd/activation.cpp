#include "mudra/simd/activation.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/activation.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "mudra/simd/functions-inl.h"
#include "mudra/simd/map-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<Scalar>;

void Activate(ActivationKind kind, const Scalar* x, int64_t count, Scalar* y) {
  const D d;
  visit_activation(kind, [&](auto f) {
    map(
        count, y, [&](auto v) { return f.value(d, v); }, x);
  });
}

void ActivateBackward(ActivationKind kind, const Scalar* x, const Scalar* y, const Scalar* dy, int64_t count,
                      Scalar* dx) {
  const D d;
  visit_activation(kind, [&](auto f) {
    if constexpr (decltype(f)::from_output) {
      map(
          count, dx, [&](auto vy, auto g) { return f.backward(d, vy, g); }, y, dy);
    } else {
      map(
          count, dx, [&](auto vx, auto g) { return f.backward(d, vx, g); }, x, dy);
    }
  });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

HWY_EXPORT(Activate);
HWY_EXPORT(ActivateBackward);

void activate(ActivationKind kind, const Scalar* x, int64_t count, Scalar* y) {
  HWY_DYNAMIC_DISPATCH(Activate)(kind, x, count, y);
}

void activate_backward(ActivationKind kind, const Scalar* x, const Scalar* y, const Scalar* dy, int64_t count,
                       Scalar* dx) {
  HWY_DYNAMIC_DISPATCH(ActivateBackward)(kind, x, y, dy, count, dx);
}

}  // namespace mudra
#endif
