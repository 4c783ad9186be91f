#include "mudra/simd/updates.h"

#include <algorithm>

#include "mudra/simd/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/updates.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/map-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<Scalar>;

void Descend(Scalar rate, const Scalar* gradient, int64_t count, Scalar* weights) {
  const auto r = hn::Set(D(), rate);
  map(
      count, weights, [&](auto w, auto g) HWY_ATTR { return hn::NegMulAdd(r, g, w); }, weights, gradient);
}

void MomentumStep(const Momentum& m, const Scalar* gradient, int64_t count, Scalar* velocity,
                  Scalar* weights) {
  const D d;
  const auto rate = hn::Set(d, m.rate);
  const auto momentum = hn::Set(d, m.momentum);
  const auto decay = hn::Set(d, m.decay);
  map(
      count, velocity,
      [&](auto v, auto g, auto w) HWY_ATTR { return hn::MulAdd(momentum, v, hn::MulAdd(decay, w, g)); },
      velocity, gradient, weights);
  if (m.nesterov) {
    map(
        count, weights,
        [&](auto w, auto g, auto v)
            HWY_ATTR { return hn::NegMulAdd(rate, hn::MulAdd(momentum, v, hn::MulAdd(decay, w, g)), w); },
        weights, gradient, velocity);
  } else {
    Descend(m.rate, velocity, count, weights);
  }
}

void AdamStep(const Adam& a, const Scalar* gradient, int64_t count, Scalar* mean, Scalar* square,
              Scalar* weights) {
  const D d;
  const auto joined = hn::Set(d, a.decoupled ? 0 : a.decay);
  const auto shrink = hn::Set(d, a.decoupled ? a.rate * a.decay : 0);
  const auto beta1 = hn::Set(d, a.beta1), rest1 = hn::Set(d, 1 - a.beta1);
  const auto beta2 = hn::Set(d, a.beta2), rest2 = hn::Set(d, 1 - a.beta2);
  const auto correction1 = hn::Set(d, a.correction1), correction2 = hn::Set(d, a.correction2);
  const auto rate = hn::Set(d, a.rate), epsilon = hn::Set(d, a.epsilon);
  // One pass: there are more moments than the cache next to the processor holds.
  const auto update = [&](Scalar* m_at, Scalar* v_at, const Scalar* g_at, Scalar* w_at) HWY_ATTR {
    const auto w = hn::LoadU(d, w_at);
    const auto g = hn::MulAdd(joined, w, hn::LoadU(d, g_at));
    const auto m = hn::MulAdd(beta1, hn::LoadU(d, m_at), hn::Mul(rest1, g));
    const auto v = hn::MulAdd(beta2, hn::LoadU(d, v_at), hn::Mul(rest2, hn::Mul(g, g)));
    const auto scale = hn::Add(hn::Sqrt(hn::Mul(v, correction2)), epsilon);
    const auto step = hn::Div(hn::Mul(m, correction1), scale);
    hn::StoreU(m, d, m_at);
    hn::StoreU(v, d, v_at);
    hn::StoreU(hn::NegMulAdd(rate, step, hn::NegMulAdd(shrink, w, w)), d, w_at);
  };
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) update(mean + i, square + i, gradient + i, weights + i);
  if (i == count) return;
  HWY_ALIGN Scalar last[4][hn::MaxLanes(D())] = {};  // the partial vector
  const size_t left = static_cast<size_t>(count - i);
  std::copy_n(mean + i, left, last[0]);
  std::copy_n(square + i, left, last[1]);
  std::copy_n(gradient + i, left, last[2]);
  std::copy_n(weights + i, left, last[3]);
  update(last[0], last[1], last[2], last[3]);
  std::copy_n(last[0], left, mean + i);
  std::copy_n(last[1], left, square + i);
  std::copy_n(last[3], left, weights + i);
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(descend, Descend);
MUDRA_KERNEL(momentum_step, MomentumStep);
MUDRA_KERNEL(adam_step, AdamStep);

}  // namespace mudra
#endif
