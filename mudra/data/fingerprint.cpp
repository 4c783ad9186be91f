#include "mudra/data/fingerprint.h"

#include <algorithm>
#include <cmath>

#include "mudra/core/portable_math.h"

namespace mudra {
namespace {

constexpr int size = Fingerprint::size;
constexpr size_t pixels = size_t{size} * size;
constexpr double middle = (size - 1) / 2.0;
constexpr int rings = Fingerprint::rings, frequencies = Fingerprint::frequencies;

// Gaussian blur; the edge is repeated. The kernel ends at 3 sigma.
void blur(std::span<const float> in, double sigma, std::vector<float>& out) {
  const int radius = static_cast<int>(std::ceil(3 * sigma));
  std::vector<float> weights(2 * static_cast<size_t>(radius) + 1);
  float* kernel = weights.data() + radius;  // from -radius to radius
  double total = 0;
  for (int i = -radius; i <= radius; ++i) total += portable::exp(-i * i / (2 * sigma * sigma));
  for (int i = -radius; i <= radius; ++i) {
    kernel[i] = static_cast<float>(portable::exp(-i * i / (2 * sigma * sigma)) / total);
  }
  std::vector<float> down(pixels, 0.F);
  for (int y = 0; y < size; ++y) {
    for (int i = -radius; i <= radius; ++i) {
      const float* row = in.data() + Fingerprint::place(std::clamp(y + i, 0, size - 1), 0);
      const float weight = kernel[i];
      for (int x = 0; x < size; ++x) down[Fingerprint::place(y, x)] += weight * row[x];
    }
  }
  out.assign(pixels, 0.F);
  std::vector<float> padded(size + 2 * static_cast<size_t>(radius));
  float* line = padded.data() + radius;
  for (int y = 0; y < size; ++y) {
    const float* row = down.data() + Fingerprint::place(y, 0);
    for (int x = -radius; x < size + radius; ++x) line[x] = row[std::clamp(x, 0, size - 1)];
    for (int i = -radius; i <= radius; ++i) {
      const float weight = kernel[i];
      for (int x = 0; x < size; ++x) out[Fingerprint::place(y, x)] += weight * line[x + i];
    }
  }
}

std::vector<float> band(std::span<const float> grey, double fine, double coarse) {
  std::vector<float> kept, removed;
  blur(grey, fine, kept);
  blur(grey, coarse, removed);
  for (size_t i = 0; i < kept.size(); ++i) kept[i] -= removed[i];
  return kept;
}

// Bilinear, zero outside; x and y in pixels from the centre.
float sample(std::span<const float> image, double x, double y) {
  x += middle;
  y += middle;
  const int left = static_cast<int>(std::floor(x)), top = static_cast<int>(std::floor(y));
  const auto at = [&](int column, int row) {
    const bool inside = column >= 0 && column < size && row >= 0 && row < size;
    return inside ? static_cast<double>(image[Fingerprint::place(row, column)]) : 0.0;
  };
  const double fx = x - left, fy = y - top;
  return static_cast<float>((at(left, top) * (1 - fx) + at(left + 1, top) * fx) * (1 - fy) +
                            (at(left, top + 1) * (1 - fx) + at(left + 1, top + 1) * fx) * fy);
}

// The mean place of the detail and its standard deviation: what shift and scale change.
void place_on_detail(std::span<const float> shape, Fingerprint::Rings& view) {
  double total = 1e-12, x_sum = 0, y_sum = 0, square_sum = 0;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const double value = shape[Fingerprint::place(y, x)];
      const double energy = value * value, dx = x - middle, dy = y - middle;
      total += energy;
      x_sum += energy * dx;
      y_sum += energy * dy;
      square_sum += energy * (dx * dx + dy * dy);
    }
  }
  const double x = x_sum / total, y = y_sum / total;
  view.center_x = static_cast<float>(x);
  view.center_y = static_cast<float>(y);
  const double deviation = std::sqrt(std::max(square_sum / total - x * x - y * y, 0.0));
  view.scale = static_cast<float>(std::clamp(deviation / 10, 0.5, 1.5));
}

void fill_rings(std::span<const float> shape, Fingerprint::Rings& view) {
  constexpr int angles = 32;
  static const auto circle = [] {
    std::array<std::array<double, 2>, angles> made{};
    for (int a = 0; a < angles; ++a) {
      const double angle = 2 * portable::pi * a / angles;
      made[static_cast<size_t>(a)] = {portable::cos(angle), portable::sin(angle)};
    }
    return made;
  }();
  double energy = 1e-12;
  for (int r = 0; r < rings; ++r) {
    const double radius = 13.0 * (r + 1) / rings;
    std::array<double, angles> ring{};
    for (size_t a = 0; a < angles; ++a) {
      const double scaled = radius * view.scale;
      // A ring counts by its length.
      ring[a] = std::sqrt(radius) *
                sample(shape, view.center_x + scaled * circle[a][0], view.center_y + scaled * circle[a][1]);
    }
    for (int k = 0; k < frequencies; ++k) {
      double real = 0, imaginary = 0;
      for (size_t a = 0; a < angles; ++a) {
        const auto& turn = circle[a * static_cast<size_t>(k) % angles];
        real += ring[a] * turn[0];
        imaginary -= ring[a] * turn[1];
      }
      const double weight = k == 0 ? 1 : std::sqrt(2.0);  // a real signal's frequencies come in pairs
      const auto at = static_cast<size_t>(k) * rings + r;
      view.real[at] = static_cast<float>(weight * real);
      view.imaginary[at] = static_cast<float>(weight * imaginary);
      energy += weight * weight * (real * real + imaginary * imaginary);
    }
  }
  const float length = static_cast<float>(1 / std::sqrt(energy));
  for (float& value : view.real) value *= length;
  for (float& value : view.imaginary) value *= length;
}

}  // namespace

Fingerprint make_fingerprint(std::span<const float> grey) {
  Fingerprint fingerprint;
  fingerprint.detail = band(grey, 0.6, 2.5);
  const std::vector<float> shape = band(grey, 1, 4);
  place_on_detail(shape, fingerprint.views[1]);
  for (Fingerprint::Rings& view : fingerprint.views) fill_rings(shape, view);
  return fingerprint;
}

}  // namespace mudra
