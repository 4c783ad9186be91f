// Weights as kernels read them: outputs in panels of 16, so that one step of every sum is a run of
// whole vectors on any instruction set.
//   panels [ceil(outputs / 16)][depth][16]     element (k, o) at ((o / 16) * depth + k) * 16 + o % 16
// Lanes beyond the last output are zero and stay zero.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"

namespace mudra {

inline constexpr int64_t panel_width = 16;

inline int64_t panel_count(int64_t outputs) { return (outputs + panel_width - 1) / panel_width; }
inline int64_t padded(int64_t outputs) { return panel_count(outputs) * panel_width; }

inline int64_t panel_index(int64_t k, int64_t output, int64_t depth) {
  return (output / panel_width * depth + k) * panel_width + output % panel_width;
}

// The weights that carry gradients back. For every tap t of a kernel (a dense layer has one):
//   in  (k = t * inputs + i, output o)   ->   out (k = (taps - 1 - t) * outputs + o, output i)
void transpose_panels(const Scalar* in, int64_t taps, int64_t inputs, int64_t outputs, Scalar* out);

// dy [rows, columns] with rows padded to whole panels of zeros: dy itself when they are whole already, else a
// copy in `space` [at least rows, padded(columns)], whose padding must be zero.
const Scalar* pad_columns(const Tensor& dy, int64_t rows, int64_t columns, Tensor& space);

}  // namespace mudra
