// Vector functions shared by kernels: every activation with its derivative, and what losses need.
// exp, log1p and tanh are Highway's: within 1, 2 and 4 units in the last place. They use only fused
// multiply-adds, exact operations and division, so every instruction set gives the same bits.
#if defined(MUDRA_SIMD_FUNCTIONS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MUDRA_SIMD_FUNCTIONS_INL_H
#undef MUDRA_SIMD_FUNCTIONS_INL_H
#else
#define MUDRA_SIMD_FUNCTIONS_INL_H
#endif

#include <hwy/highway.h>
// after highway.h
#include <hwy/contrib/math/math-inl.h>

#include "mudra/simd/activation.h"
#include "mudra/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> constant(D d, double value) {
  return hn::Set(d, static_cast<Scalar>(value));
}

// x where x is a number, else NaN: Min and Max may drop a NaN operand.
template <class D, class V>
HWY_INLINE V keep_nan(D, V x, V y) {
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// exp(x), with the argument kept where neither overflow nor a subnormal arises.
template <class D, class V>
HWY_INLINE V vector_exp(D d, V x) {
  const double limit = sizeof(Scalar) == 4 ? 87.0 : 708.0;
  const V clamped = hn::Min(hn::Max(x, constant(d, -limit)), constant(d, limit));
  return keep_nan(d, x, hn::Exp(d, clamped));
}

// 1 / (1 + exp(-x))
template <class D, class V>
HWY_INLINE V vector_sigmoid(D d, V x) {
  const V one = constant(d, 1);
  return hn::Div(one, hn::Add(one, vector_exp(d, hn::Neg(x))));
}

template <class D, class V>
HWY_INLINE V vector_tanh(D d, V x) {
  const V limit = constant(d, 40);  // tanh is 1 to the last bit from 20 on
  return keep_nan(d, x, hn::Tanh(d, hn::Min(hn::Max(x, hn::Neg(limit)), limit)));
}

// exp(-x^2 / 2) / sqrt(2 pi), the normal density
template <class D, class V>
HWY_INLINE V normal_density(D d, V x) {
  const V e = vector_exp(d, hn::Mul(hn::Mul(x, x), constant(d, -0.5)));
  return hn::Mul(e, constant(d, 0.3989422804014326779));
}

// Distribution function of the normal law, Phi(x) = erfc(-x / sqrt 2) / 2, to about 4 units in the last place
// of either precision: erfc(z) = t exp(-z^2 + P(u)) for z >= 0, t = 2 / (2 + z), u = 4 t - 2.
template <class D, class V>
HWY_INLINE V normal_distribution(D d, V x) {
  // P's coefficients in Chebyshev polynomials (Press et al., Numerical Recipes, 3rd edition, section 6.2.2),
  // summed by Clenshaw's rule.
  static constexpr double fit[] = {-1.3026537197817094,
                                   6.4196979235649026e-1,
                                   1.9476473204185836e-2,
                                   -9.561514786808631e-3,
                                   -9.46595344482036e-4,
                                   3.66839497852761e-4,
                                   4.2523324806907e-5,
                                   -2.0278578112534e-5,
                                   -1.624290004647e-6,
                                   1.303655835580e-6,
                                   1.5626441722e-8,
                                   -8.5238095915e-8,
                                   6.529054439e-9,
                                   5.059343495e-9,
                                   -9.91364156e-10,
                                   -2.27365122e-10,
                                   9.6467911e-11,
                                   2.394038e-12,
                                   -6.886027e-12,
                                   8.94487e-13,
                                   3.13092e-13,
                                   -1.12708e-13,
                                   3.81e-16,
                                   7.106e-15};
  const V z = hn::Mul(hn::Abs(x), constant(d, 0.70710678118654752440));
  const V t = hn::Div(constant(d, 2), hn::Add(constant(d, 2), z));
  const V u = hn::MulSub(constant(d, 4), t, constant(d, 2));
  V b = hn::Zero(d);
  V c = hn::Zero(d);
  for (int j = static_cast<int>(sizeof fit / sizeof fit[0]) - 1; j > 0; --j) {
    const V next = hn::Add(hn::MulSub(u, b, c), constant(d, fit[j]));
    c = b;
    b = next;
  }
  const V series = hn::Sub(hn::Mul(constant(d, 0.5), hn::MulAdd(u, b, constant(d, fit[0]))), c);
  const V upper = hn::Mul(hn::Mul(t, constant(d, 0.5)), vector_exp(d, hn::NegMulAdd(z, z, series)));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), upper, hn::Sub(constant(d, 1), upper));
}

// f(x)
template <ActivationKind kind, class D, class V>
HWY_INLINE V function(D d, V x) {
  const V zero = hn::Zero(d);
  if constexpr (kind == ActivationKind::sigmoid) return vector_sigmoid(d, x);
  if constexpr (kind == ActivationKind::tanh) return vector_tanh(d, x);
  if constexpr (kind == ActivationKind::relu) return hn::IfThenElse(hn::Lt(x, zero), zero, x);  // a NaN stays
  if constexpr (kind == ActivationKind::leaky_relu) {  // slope 0.01 below zero
    return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(x, constant(d, 0.01)), x);
  }
  if constexpr (kind == ActivationKind::gelu) return hn::Mul(x, normal_distribution(d, x));  // x Phi(x)
  if constexpr (kind == ActivationKind::silu) return hn::Mul(x, vector_sigmoid(d, x));       // x s(x)
  if constexpr (kind == ActivationKind::hard_swish) {  // x clamp(x + 3, 0, 6) / 6
    const V gate = hn::Min(hn::Max(hn::Add(x, constant(d, 3)), zero), constant(d, 6));
    return hn::Mul(x, hn::Mul(gate, constant(d, 1.0 / 6)));
  }
  return x;
}

// dy f', where s is y if derivative_from_output(kind), else x.
template <ActivationKind kind, class D, class V>
HWY_INLINE V derivative(D d, V s, V dy) {
  const V one = constant(d, 1);
  if constexpr (kind == ActivationKind::sigmoid)
    return hn::Mul(dy, hn::Mul(s, hn::Sub(one, s)));                                         // y (1 - y)
  if constexpr (kind == ActivationKind::tanh) return hn::Mul(dy, hn::NegMulAdd(s, s, one));  // 1 - y^2
  if constexpr (kind == ActivationKind::relu) return hn::IfThenElseZero(hn::Gt(s, hn::Zero(d)), dy);
  if constexpr (kind == ActivationKind::leaky_relu) {
    return hn::IfThenElse(hn::Gt(s, hn::Zero(d)), dy, hn::Mul(dy, constant(d, 0.01)));
  }
  if constexpr (kind == ActivationKind::gelu) {  // dy (Phi(x) + x phi(x))
    return hn::Mul(dy, hn::MulAdd(s, normal_density(d, s), normal_distribution(d, s)));
  }
  if constexpr (kind == ActivationKind::silu) {  // dy s(x) (1 + x (1 - s(x)))
    const V gate = vector_sigmoid(d, s);
    return hn::Mul(dy, hn::Mul(gate, hn::MulAdd(s, hn::Sub(one, gate), one)));
  }
  if constexpr (kind == ActivationKind::hard_swish) {  // 0 below -3, x / 3 + 1 / 2 between, 1 above 3
    const V middle = hn::MulAdd(s, constant(d, 1.0 / 3), constant(d, 0.5));
    const V above = hn::IfThenElse(hn::Ge(s, constant(d, 3)), one, middle);
    return hn::Mul(dy, hn::IfThenElse(hn::Le(s, constant(d, -3)), hn::Zero(d), above));
  }
  return dy;
}

// Calls f with the kind as a constant.
template <class F>
HWY_INLINE void visit_activation(ActivationKind kind, F f) {
  with_constant<activation_kinds>(static_cast<int>(kind) + 1, [&](auto n) MUDRA_INLINE {
    f(std::integral_constant<ActivationKind, static_cast<ActivationKind>(n - 1)>());
  });
}

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
