// The sizes of a convolution over channels-last images that have their border already.
#pragma once

#include <cstdint>

namespace mudra {

struct ConvShape {
  int64_t images, height, width, channels;  // of x, with its border
  int64_t kernel_height, kernel_width, stride;
  int64_t pad_height, pad_width;  // how much of x is border
  int64_t out_height, out_width, outputs;

  int64_t taps() const { return kernel_height * kernel_width; }
  int64_t pixels() const { return out_height * out_width; }
  int64_t mask_words() const { return (pixels() + 31) / 32; }  // of 32 pixels each
};

}  // namespace mudra
