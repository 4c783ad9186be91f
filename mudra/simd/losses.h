// Per-example losses from logits, with their gradients.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"

namespace mudra {

// Binary cross entropy against targets t in [0, 1], exact for logits of any size:
//   losses[n] = max(z, 0) - z t + log(1 + exp(-|z|))      dlogits[n] = sigmoid(z) - t
extern void (*const binary_cross_entropy)(const Scalar* logits, const Scalar* targets, int64_t count,
                                          Scalar* losses, Scalar* dlogits);

// y[n, c] = exp(x[n, c] - max of row n), unnormalised softmax; a row with a NaN becomes all NaN.
extern void (*const exp_minus_maximum)(const Scalar* x, int64_t rows, int64_t columns, Scalar* y,
                                       Scalar* maxima);

}  // namespace mudra
