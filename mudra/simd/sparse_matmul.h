// The product of a dense layer whose x is largely zero, as photographs on black and the outputs of ReLU
// are. Zeros of every single row are skipped; the other terms are added in the order of matmul.h: the bits
// are the same as long as weights are finite.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/matmul.h"

namespace mudra {

// Whether so much of x [rows, depth] is zero that skipping pays. Looks at a few rows.
bool sparse_matmul_pays(const Scalar* x, int64_t rows, int64_t depth);

// As matmul of a plain matrix.   sums: scratch space [rows, padded(outputs)]
extern void (*const sparse_matmul)(ThreadTeam& team, const Scalar* x, int64_t rows, int64_t depth,
                                   const Scalar* w, int64_t outputs, const Scalar* bias,
                                   ActivationKind activation, Scalar* sums, Scalar* y);

}  // namespace mudra
