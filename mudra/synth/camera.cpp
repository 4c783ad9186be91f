#include "mudra/synth/camera.h"

#include <algorithm>
#include <array>

#include "mudra/core/portable_math.h"
#include "mudra/data/image.h"
#include "mudra/synth/draw.h"
#include "mudra/synth/square_sums.h"

namespace mudra::synth {
namespace {

// x^(1/gamma) for x in [0, 1], linear between the squares of 64 knots (dense where the curve is steep).
class Response {
 public:
  Response(float gamma, float contrast) {
    for (int i = 0; i <= knots; ++i) {
      const double root = static_cast<double>(i) / knots;
      const float v = i == 0 ? 0.f : static_cast<float>(portable::pow(root * root, 1.0 / gamma));
      value_[i] = mix(v, v * v * (3 - 2 * v), contrast);
    }
  }
  float operator()(float x) const {
    const float at = std::sqrt(clamp(x, 0, 1)) * knots;
    const int i = std::min(static_cast<int>(at), knots - 1);
    return mix(value_[i], value_[i + 1], at - static_cast<float>(i));
  }

 private:
  static constexpr int knots = 64;
  std::array<float, knots + 1> value_;
};

// Binomial filter (w, 1 - 2w, w) both ways.
void soften(float weight, int side, std::vector<Vec3>& light) {
  if (weight <= 0) return;
  std::vector<Vec3> copy(light);
  auto pass = [&](const std::vector<Vec3>& from, std::vector<Vec3>& to, int step, bool rows) {
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const int place = rows ? x : y;
        const size_t at = static_cast<size_t>(y) * side + x;
        const Vec3 before = from[place > 0 ? at - step : at];
        const Vec3 after = from[place + 1 < side ? at + step : at];
        to[at] = from[at] * (1 - 2 * weight) + (before + after) * weight;
      }
    }
  };
  pass(light, copy, 1, true);
  pass(copy, light, side, false);
}

// Adds what each pixel differs from the mean of a square around it; the square ends at the frame.
void sharpen(float amount, int side, std::vector<float>& plane) {
  if (amount <= 0) return;
  const int reach = std::max(1, side / 12);
  const SquareSums<float, std::vector<float>> sums(side, plane);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      int count = 0;
      const float sum = sums.around(x, y, reach, count);
      float& value = plane[static_cast<size_t>(y) * side + x];
      value += amount * (value - sum / static_cast<float>(count));
    }
  }
}

// The gain that brings the mean of the frame, or of the hand alone, to the camera's target.
float automatic_exposure(const Camera& camera, const std::vector<uint8_t>& mask,
                         const std::vector<Vec3>& light) {
  if (camera.target <= 0) return 1;
  float sum = 0, weight = 0;
  for (size_t i = 0; i < light.size(); ++i) {
    const float share = camera.of_hand ? static_cast<float>(mask[i]) : 1.f;
    sum += share * luma(light[i]);
    weight += share;
  }
  if (sum < 1e-3f * weight || weight < 1) return 1;
  return static_cast<float>(portable::pow(camera.target, camera.gamma)) * weight / sum;
}

// Bell-shaped noise of deviation 1: four random bytes added.
float bell(uint32_t bits) {
  const uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
  return (static_cast<float>(sum) - 510.f) * (1 / 147.8f);
}

// cos((2 i + 1) k pi / 16), scaled to be orthonormal: row k, column i.
const std::array<std::array<float, 8>, 8>& cosines() {
  static const auto table = [] {
    std::array<std::array<float, 8>, 8> t{};
    for (int k = 0; k < 8; ++k) {
      for (int i = 0; i < 8; ++i) {
        t[k][i] = static_cast<float>(portable::cos((2 * i + 1) * k * portable::pi / 16) *
                                     (k == 0 ? std::sqrt(0.125) : 0.5));
      }
    }
    return t;
  }();
  return table;
}

using Block = std::array<float, 64>;

// The rows of an 8x8 block, each a combination of waves or (back) of places, as columns.
Block turned(const Block& block, bool back) {
  const auto& c = cosines();
  Block result{};
  for (int y = 0; y < 8; ++y) {
    for (int k = 0; k < 8; ++k) {
      for (int x = 0; x < 8; ++x) result[k * 8 + y] += block[y * 8 + x] * (back ? c[x][k] : c[k][x]);
    }
  }
  return result;
}

// Quantises one 8x8 block in the cosine domain, steps growing with frequency as JPEG's do.
Block quantised(const Block& block, float strength) {
  Block wave = turned(turned(block, false), false);
  for (int i = 0; i < 64; ++i) {
    const float step = strength * (16 + 10 * static_cast<float>(i % 8 + i / 8)) / 255;
    wave[i] = std::floor(wave[i] / step + 0.5f) * step;
  }
  return turned(turned(wave, true), true);
}

void jpeg(float strength, int side, std::vector<float>& plane) {
  if (strength <= 0) return;
  Block block;
  for (int y0 = 0; y0 < side; y0 += 8) {
    for (int x0 = 0; x0 < side; x0 += 8) {
      auto at = [&](int i) {
        const int y = std::min(y0 + i / 8, side - 1), x = std::min(x0 + i % 8, side - 1);
        return static_cast<size_t>(y) * side + x;
      };
      for (int i = 0; i < 64; ++i) block[i] = plane[at(i)];
      block = quantised(block, strength);
      for (int i = 0; i < 64; ++i) {
        if (y0 + i / 8 < side && x0 + i % 8 < side) plane[at(i)] = block[i];
      }
    }
  }
}

}  // namespace

void photograph(const Camera& camera, int side, int channels, const std::vector<uint8_t>& mask, Rng& rng,
                std::vector<Vec3>& light, uint8_t* bytes) {
  soften(0.25f * camera.blur, side, light);
  const float exposure = camera.exposure * automatic_exposure(camera, mask, light);
  const Response response(camera.gamma, camera.contrast);
  const size_t count = static_cast<size_t>(side) * side;
  std::vector<float> plane(count);
  for (int channel = 0; channel < channels; ++channel) {
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const size_t at = static_cast<size_t>(y) * side + x;
        const float u = 2 * (static_cast<float>(x) + 0.5f) / static_cast<float>(side) - 1;
        const float v = 2 * (static_cast<float>(y) + 0.5f) / static_cast<float>(side) - 1;
        const float gain = exposure * (1 - camera.vignette * 0.5f * (u * u + v * v));
        const Vec3 c = light[at];
        const float value = channels == 1 ? luma(c) : channel == 0 ? c.x : channel == 1 ? c.y : c.z;
        plane[at] = response(value * gain);
      }
    }
    sharpen(camera.sharpen, side, plane);
    for (float& value : plane) {
      // Black stays black where a hand was cut out.
      if (value > 0) value += camera.noise * bell(rng.bits());
    }
    jpeg(0.35f * camera.jpeg, side, plane);
    for (size_t i = 0; i < count; ++i) {
      bytes[i * channels + channel] = to_byte(plane[i]);
    }
  }
}

}  // namespace mudra::synth
