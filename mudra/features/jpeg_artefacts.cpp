#include "mudra/features/jpeg_artefacts.h"

#include <algorithm>
#include <cmath>

#include "mudra/core/portable_math.h"

namespace mudra {
namespace {

constexpr std::array<uint8_t, 64> brightness_steps = {
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,  //
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,  //
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,  //
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
constexpr std::array<uint8_t, 64> colour_steps = {
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,  //
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,  //
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,  //
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

// To a whole number 0..255.
float quantized(float value) { return std::floor(std::clamp(value, 0.F, 255.F) + 0.5F); }

void to_ycc(float& r, float& g, float& b) {
  const float y = 0.299F * r + 0.587F * g + 0.114F * b;
  const float blue = (b - y) * (1 / 1.772F) + 128, red = (r - y) * (1 / 1.402F) + 128;
  r = quantized(y), g = quantized(blue), b = quantized(red);
}

void from_ycc(float& y, float& blue, float& red) {
  const float r = y + 1.402F * (red - 128);
  const float g = y - 0.344136F * (blue - 128) - 0.714136F * (red - 128);
  const float b = y + 1.772F * (blue - 128);
  y = quantized(r), blue = quantized(g), red = quantized(b);
}

}  // namespace

JpegArtefacts::JpegArtefacts() {
  for (int frequency = 0; frequency < 8; ++frequency) {
    for (int position = 0; position < 8; ++position) {
      const double norm = frequency == 0 ? std::sqrt(0.125) : 0.5;
      cosines_[frequency][position] =
          static_cast<float>(norm * portable::cos((2 * position + 1) * frequency * portable::pi / 16));
    }
  }
}

// F = C B C^T, rounded to steps, then B = C^T F C.
void JpegArtefacts::round_block(float* block, const std::array<uint8_t, 64>& steps, int quality) const {
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  float half[8][8], transform[8][8];
  const auto product = [&](auto&& a, auto&& b, auto&& out) {
    for (int i = 0; i < 8; ++i) {
      for (int j = 0; j < 8; ++j) {
        float sum = 0;
        for (int k = 0; k < 8; ++k) sum += a(i, k) * b(k, j);
        out(i, j) = sum;
      }
    }
  };
  const auto c = [&](int i, int j) { return cosines_[i][j]; };
  const auto c_turned = [&](int i, int j) { return cosines_[j][i]; };
  const auto at_block = [&](int i, int j) -> float& { return block[8 * i + j]; };
  const auto at_half = [&](int i, int j) -> float& { return half[i][j]; };
  const auto at_transform = [&](int i, int j) -> float& { return transform[i][j]; };
  product(c, at_block, at_half);
  product(at_half, c_turned, at_transform);
  for (int i = 0; i < 64; ++i) {
    const int scaled = (steps[static_cast<size_t>(i)] * percent + 50) / 100;
    const auto step = static_cast<float>(std::clamp(scaled, 1, 255));
    float& value = transform[i / 8][i % 8];
    const float rounded = std::floor(std::fabs(value) / step + 0.5F) * step;
    value = value < 0 ? -rounded : rounded;
  }
  product(c_turned, at_transform, at_half);
  product(at_half, c, at_block);
}

void JpegArtefacts::apply(float* image, int64_t height, int64_t width, int64_t channels, int quality) const {
  for (int64_t i = 0; i < height * width * channels; ++i) image[i] = quantized(image[i] * 255);
  const bool colour = channels == 3;
  for (int64_t i = 0; colour && i < height * width; ++i) {
    to_ycc(image[3 * i], image[3 * i + 1], image[3 * i + 2]);
  }
  float block[64];
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t top = 0; top < height; top += 8) {
      for (int64_t left = 0; left < width; left += 8) {
        const auto at = [&](int64_t y, int64_t x) -> float& {
          return image[(std::min(top + y, height - 1) * width + std::min(left + x, width - 1)) * channels +
                       channel];
        };
        for (int i = 0; i < 64; ++i) block[i] = at(i / 8, i % 8) - 128;
        round_block(block, colour && channel > 0 ? colour_steps : brightness_steps, quality);
        for (int i = 0; i < 64; ++i) {
          if (top + i / 8 < height && left + i % 8 < width) at(i / 8, i % 8) = quantized(block[i] + 128);
        }
      }
    }
  }
  for (int64_t i = 0; colour && i < height * width; ++i) {
    from_ycc(image[3 * i], image[3 * i + 1], image[3 * i + 2]);
  }
  for (int64_t i = 0; i < height * width * channels; ++i) image[i] *= 1 / 255.F;
}

}  // namespace mudra
