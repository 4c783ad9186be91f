// Pooling over windows of channels-last images.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"

namespace mudra {

struct PoolShape {
  int64_t height, width, channels;  // of an image x
  int64_t window_height, window_width, stride;
  int64_t out_height, out_width;

  int64_t x_size() const { return height * width * channels; }
  int64_t y_size() const { return out_height * out_width * channels; }
};

// One image.   argmax [y_size], or null: the number in the window of the pixel that is the maximum, the first
// of equals; a NaN wins
extern void (*const max_pool)(const PoolShape& shape, const Scalar* x, Scalar* y, Scalar* argmax);
// dx of every window's maximum += dy
extern void (*const max_pool_backward)(const PoolShape& shape, const Scalar* argmax, const Scalar* dy,
                                       Scalar* dx);

extern void (*const average_pool)(const PoolShape& shape, const Scalar* x, Scalar* y);
// dx = sum over the windows a pixel is in of dy / window size
extern void (*const average_pool_backward)(const PoolShape& shape, const Scalar* dy, Scalar* dx);

}  // namespace mudra
