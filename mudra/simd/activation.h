// Elementwise functions and their derivatives.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"

namespace mudra {

enum class ActivationKind { none, sigmoid, tanh, relu, leaky_relu, gelu, silu, hard_swish };
inline constexpr int activation_kinds = 8;

// y = f(x); x and y may be the same array.
extern void (*const activate)(ActivationKind kind, const Scalar* x, int64_t count, Scalar* y);

// dx = dy f'(x), given x and y = f(x); dx and dy may be the same array. x is not read when
// derivative_from_output(kind).
extern void (*const activate_backward)(ActivationKind kind, const Scalar* x, const Scalar* y,
                                       const Scalar* dy, int64_t count, Scalar* dx);

// Whether f' is a function of y alone, so that x need not be kept.
constexpr bool derivative_from_output(ActivationKind kind) {
  return kind == ActivationKind::none || kind == ActivationKind::sigmoid || kind == ActivationKind::tanh ||
         kind == ActivationKind::relu;
}

}  // namespace mudra
