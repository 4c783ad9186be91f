#include "mudra/simd/panels.h"

#include <algorithm>

namespace mudra {

void transpose_panels(const Scalar* in, int64_t taps, int64_t inputs, int64_t outputs, Scalar* out) {
  const int64_t depth_in = taps * inputs;
  const int64_t depth_out = taps * outputs;
  for (int64_t pi = 0; pi < panel_count(inputs); ++pi) {
    const int64_t width = std::min(panel_width, inputs - pi * panel_width);
    for (int64_t t = 0; t < taps; ++t) {
      Scalar* to = out + (pi * depth_out + (taps - 1 - t) * outputs) * panel_width;
      const Scalar* from = in + (t * inputs + pi * panel_width) * panel_width;
      for (int64_t o = 0; o < outputs; ++o) {
        const Scalar* column = from + o / panel_width * depth_in * panel_width + o % panel_width;
        for (int64_t i = 0; i < width; ++i) to[o * panel_width + i] = column[i * panel_width];
        for (int64_t i = width; i < panel_width; ++i) to[o * panel_width + i] = 0;
      }
    }
  }
}

const Scalar* pad_columns(const Tensor& dy, int64_t rows, int64_t columns, Tensor& space) {
  const int64_t stride = padded(columns);
  if (stride == columns) return dy.data();
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(dy.data() + row * columns, columns, space.data() + row * stride);
  }
  return space.data();
}

}  // namespace mudra
