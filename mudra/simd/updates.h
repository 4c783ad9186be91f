// One optimisation step, elementwise.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"

namespace mudra {

// w -= rate g, with one rounding: the same bits as a gradient kernel's descend.
extern void (*const descend)(Scalar rate, const Scalar* gradient, int64_t count, Scalar* weights);

struct Momentum {
  Scalar rate, momentum, decay;
  bool nesterov;
};
// g' = g + decay w;  v = momentum v + g';  w -= rate (nesterov ? g' + momentum v : v)     (as PyTorch's SGD)
extern void (*const momentum_step)(const Momentum& m, const Scalar* gradient, int64_t count, Scalar* velocity,
                                   Scalar* weights);

struct Adam {
  Scalar rate;  // alpha
  Scalar beta1, beta2, epsilon;
  Scalar correction1, correction2;  // 1 / (1 - beta1^t), 1 / (1 - beta2^t)
  Scalar decay;                     // of the weights
  bool decoupled;  // AdamW: w -= rate decay w before the step; else decay w joins the gradient
};
// Kingma and Ba 2015, algorithm 1:
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
//   w -= rate (m correction1) / (sqrt(v correction2) + epsilon)
extern void (*const adam_step)(const Adam& a, const Scalar* gradient, int64_t count, Scalar* mean,
                               Scalar* square, Scalar* weights);

}  // namespace mudra
