#include "mudra/simd/activation.h"

#include "mudra/simd/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/activation.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/functions-inl.h"
#include "mudra/simd/map-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

void Activate(ActivationKind kind, const Scalar* x, int64_t count, Scalar* y) {
  if (kind == ActivationKind::none && x == y) return;
  const hn::ScalableTag<Scalar> d;
  visit_activation(kind, [&](auto k) {
    map(
        count, y, [&](auto v) { return function<k()>(d, v); }, x);
  });
}

void ActivateBackward(ActivationKind kind, const Scalar* x, const Scalar* y, const Scalar* dy, int64_t count,
                      Scalar* dx) {
  if (kind == ActivationKind::none && dx == dy) return;
  const hn::ScalableTag<Scalar> d;
  visit_activation(kind, [&](auto k) {
    map(
        count, dx, [&](auto s, auto g) { return derivative<k()>(d, s, g); },
        derivative_from_output(kind) ? y : x, dy);
  });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(activate, Activate);
MUDRA_KERNEL(activate_backward, ActivateBackward);

}  // namespace mudra
#endif
