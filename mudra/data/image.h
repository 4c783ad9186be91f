// One picture in memory, and how it comes to another size and colour.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "mudra/core/preprocessing.h"

namespace mudra {

// Bytes [H, W, C], 0 black to 255 white; C is 1 (grey) or 3 (red, green, blue).
struct Image {
  int height = 0, width = 0, channels = 0;
  std::vector<uint8_t> bytes;

  bool operator==(const Image&) const = default;
};

// Brings pixels [in_height, in_width, in_channels] to the size, channels and fit that `to` describes. Exact
// whole-number arithmetic on bytes, so that every implementation of it can give the same bytes:
//   grey    (19595 R + 38470 G + 7471 B + 32768) >> 16, which is Rec. 601 as Pillow computes it; first of all
//   smaller the average over the area an output pixel covers, parts of pixels counted by their share
//   larger  bilinear between pixel centres, the edge repeated
// Each axis for itself, rounded once, half up. keep_aspect centres the picture on black.
class Fitter {
 public:
  Fitter(int in_height, int in_width, int in_channels, const Preprocessing& to);

  // Not thread-safe: it keeps its working memory. `out` holds H*W*C values.
  void apply(const uint8_t* in, uint8_t* out);
  void apply(const float* in, float* out);  // the same without rounding

 private:
  // Output pixel i is the sum of weights[i * taps + k] * in[first[i] + k] over k, divided by `total`.
  struct Axis {
    Axis(int in, int out);
    int in, out, taps = 0;
    int64_t total = 0;
    std::vector<int> first;
    std::vector<double> weights;  // whole numbers
  };
  template <class T>
  void fit(const T* in, T* out, std::vector<T>& grey);

  int in_height_, in_width_, in_channels_;
  Preprocessing to_;
  bool same_size_;
  Axis down_, across_;
  int top_ = 0, left_ = 0;
  std::vector<uint8_t> grey_bytes_;
  std::vector<float> grey_floats_;
  std::vector<double> row_;  // sums of bytes stay whole numbers below 2^53
};

Image fit(const Image& image, const Preprocessing& to);

// What a Gaussian blur works in: made once for images of one size, nothing is taken from the heap afterwards.
class Blur {
 public:
  Blur(int64_t height, int64_t width, int64_t channels, double largest_deviation);

  // image [H, W, C], in place. Normal weights out to three deviations, the edge repeated; down, then across.
  void apply(float* image, double deviation);

 private:
  int64_t height_, row_, channels_;  // row_: values in a row
  std::vector<float> taps_, half_, line_;
};

// The nearest byte to a value nominally 0..1; what lies outside becomes 0 or 255.
inline uint8_t to_byte(float value) {
  return static_cast<uint8_t>(std::lround(std::clamp(value, 0.F, 1.F) * 255));
}

}  // namespace mudra
