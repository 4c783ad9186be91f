#include "mudra/data/image.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <type_traits>

#include "mudra/core/portable_math.h"

namespace mudra {
namespace {

// The size of the picture inside the frame of `to`.
struct Inner {
  int height, width;
};

Inner inner_size(int in_height, int in_width, const Preprocessing& to) {
  if (to.fit == Fit::stretch) return {to.height, to.width};
  const int64_t h = in_height, w = in_width;
  const auto rounded = [](int64_t numerator, int64_t denominator) {
    return static_cast<int>(std::max<int64_t>(1, (2 * numerator + denominator) / (2 * denominator)));
  };
  if (w * to.height > h * to.width) return {rounded(h * to.width, w), to.width};  // wider than the frame
  return {to.height, rounded(w * to.height, h)};
}

template <class T>
T grey_of(const T* rgb) {
  if constexpr (std::is_same_v<T, float>) {
    return 0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2];
  } else {
    return static_cast<T>((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 32768U) >> 16);
  }
}

}  // namespace

Fitter::Axis::Axis(int in_size, int out_size) : in(in_size), out(out_size) {
  const int64_t n = in, m = out;
  if (out <= in) {
    // In units of 1/m of an input pixel: input j covers [j m, j m + m), output i covers [i n, i n + n).
    total = n;
    for (int64_t i = 0; i < m; ++i) {
      first.push_back(static_cast<int>(i * n / m));
      taps = std::max(taps, static_cast<int>(((i + 1) * n + m - 1) / m - i * n / m));
    }
    for (int64_t i = 0; i < m; ++i) {
      first[static_cast<size_t>(i)] = std::min(first[static_cast<size_t>(i)], in - taps);
      for (int64_t k = 0; k < taps; ++k) {
        const int64_t j = first[static_cast<size_t>(i)] + k;
        const int64_t overlap = std::min((j + 1) * m, (i + 1) * n) - std::max(j * m, i * n);
        weights.push_back(static_cast<double>(std::max<int64_t>(0, overlap)));
      }
    }
  } else {
    // The centre of output i lies at ((2i + 1) n - m) / 2m between the centres of input pixels.
    total = 2 * m;
    taps = in == 1 ? 1 : 2;
    for (int64_t i = 0; i < m; ++i) {
      const int64_t place = std::clamp<int64_t>((2 * i + 1) * n - m, 0, 2 * m * (n - 1));
      const int64_t before = std::min<int64_t>(place / (2 * m), n - taps);
      first.push_back(static_cast<int>(before));
      const int64_t past = place - before * 2 * m;
      weights.push_back(static_cast<double>(total - past));
      if (taps == 2) weights.push_back(static_cast<double>(past));
    }
  }
}

Fitter::Fitter(int in_height, int in_width, int in_channels, const Preprocessing& to)
    : in_height_(in_height),
      in_width_(in_width),
      in_channels_(in_channels),
      to_(to),
      same_size_(in_height == to.height && in_width == to.width),
      down_(in_height, inner_size(in_height, in_width, to).height),
      across_(in_width, inner_size(in_height, in_width, to).width),
      top_((to.height - down_.out) / 2),
      left_((to.width - across_.out) / 2) {
  assert(in_height > 0 && in_width > 0 && to.height > 0 && to.width > 0);
  assert((in_channels == 1 || in_channels == 3) && (to.channels == 1 || to.channels == 3));
}

template <class T>
void Fitter::fit(const T* in, T* out, std::vector<T>& grey) {
  const auto pixels = static_cast<size_t>(in_height_) * static_cast<size_t>(in_width_);
  int channels = in_channels_;
  if (channels == 3 && to_.channels == 1) {
    grey.resize(pixels);
    for (size_t i = 0; i < pixels; ++i) grey[i] = grey_of(in + 3 * i);
    in = grey.data();
    channels = 1;
  }
  const int copies = to_.channels / channels;  // grey to colour repeats the value
  if (same_size_) {
    for (size_t i = 0; i < pixels * static_cast<size_t>(channels); ++i) {
      for (int copy = 0; copy < copies; ++copy) *out++ = in[i];
    }
    return;
  }
  std::fill(out, out + static_cast<size_t>(to_.height) * to_.width * to_.channels, T{0});
  // Down first: one output row at a time needs only a few input rows.
  const int row_values = in_width_ * channels;
  const double total = static_cast<double>(down_.total) * static_cast<double>(across_.total);
  const auto half_area = down_.total * across_.total / 2;
  const double half = static_cast<double>(half_area);
  row_.resize(static_cast<size_t>(row_values));
  for (int y = 0; y < down_.out; ++y) {
    std::fill(row_.begin(), row_.end(), 0);
    for (int k = 0; k < down_.taps; ++k) {
      const double weight = down_.weights[static_cast<size_t>(y) * down_.taps + k];
      if (weight == 0) continue;
      const T* row = in + (static_cast<size_t>(down_.first[y]) + k) * row_values;
      for (int i = 0; i < row_values; ++i) row_[i] += weight * row[i];
    }
    T* target = out + (static_cast<size_t>(top_ + y) * to_.width + left_) * to_.channels;
    for (int x = 0; x < across_.out; ++x) {
      const double* weights = across_.weights.data() + static_cast<size_t>(x) * across_.taps;
      for (int c = 0; c < channels; ++c) {
        const double* values = row_.data() + static_cast<size_t>(across_.first[x]) * channels + c;
        double sum = 0;
        for (int k = 0; k < across_.taps; ++k) sum += weights[k] * values[int64_t{k} * channels];
        // The quotient of whole numbers below 2^45 is never rounded up to the next byte.
        const auto value = static_cast<T>(std::is_same_v<T, float> ? sum / total : (sum + half) / total);
        for (int copy = 0; copy < copies; ++copy) *target++ = value;
      }
    }
  }
}

void Fitter::apply(const uint8_t* in, uint8_t* out) { fit(in, out, grey_bytes_); }
void Fitter::apply(const float* in, float* out) { fit(in, out, grey_floats_); }

Image fit(const Image& image, const Preprocessing& to) {
  Image fitted{to.height, to.width, to.channels, {}};
  fitted.bytes.resize(static_cast<size_t>(to.height) * to.width * to.channels);
  Fitter(image.height, image.width, image.channels, to).apply(image.bytes.data(), fitted.bytes.data());
  return fitted;
}

Blur::Blur(int64_t height, int64_t width, int64_t channels, double largest_deviation)
    : height_(height),
      row_(width * channels),
      channels_(channels),
      taps_(2 * static_cast<size_t>(std::ceil(3 * largest_deviation)) + 1),
      half_(static_cast<size_t>(height * row_)),
      line_(static_cast<size_t>(row_) + taps_.size() * static_cast<size_t>(channels)) {}

void Blur::apply(float* image, double deviation) {
  const auto most = static_cast<int>(taps_.size() / 2);
  const int radius = std::min(static_cast<int>(std::ceil(3 * deviation)), most);
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += portable::exp(-0.5 * i * i / (deviation * deviation));
  for (int i = -radius; i <= radius; ++i) {
    taps_[static_cast<size_t>(int64_t{radius} + i)] =
        static_cast<float>(portable::exp(-0.5 * i * i / (deviation * deviation)) / sum);
  }
  std::ranges::fill(half_, 0.F);
  for (int64_t y = 0; y < height_; ++y) {
    float* out = half_.data() + y * row_;
    for (int64_t k = -radius; k <= radius; ++k) {
      const float tap = taps_[static_cast<size_t>(radius + k)];
      const float* from = image + std::clamp<int64_t>(y + k, 0, height_ - 1) * row_;
      for (int64_t i = 0; i < row_; ++i) out[i] += tap * from[i];
    }
  }
  std::fill_n(image, height_ * row_, 0.F);
  const int64_t edge = int64_t{radius} * channels_;
  for (int64_t y = 0; y < height_; ++y) {
    const float* row = half_.data() + y * row_;
    for (int64_t i = 0; i < edge; ++i) {
      line_[static_cast<size_t>(i)] = row[i % channels_];
      line_[static_cast<size_t>(edge + row_ + i)] = row[row_ - channels_ + i % channels_];
    }
    std::copy_n(row, row_, line_.data() + edge);
    for (int64_t k = 0; k <= 2 * radius; ++k) {
      const float tap = taps_[static_cast<size_t>(k)];
      const float* from = line_.data() + k * channels_;
      for (int64_t i = 0; i < row_; ++i) image[y * row_ + i] += tap * from[i];
    }
  }
}

}  // namespace mudra
