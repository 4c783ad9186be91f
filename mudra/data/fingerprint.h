// An image made ready to be compared with others, whatever their turn, place, size and light.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace mudra {

// One image made ready for comparison. Grey, 28x28, less its slow changes of brightness (a difference of
// Gaussians), so that light and shade over the whole picture do not count.
struct Fingerprint {
  static constexpr int size = 28;
  static constexpr int rings = 6, frequencies = 8;
  // The place of a pixel in an image.
  static constexpr size_t place(int row, int column) {
    return static_cast<size_t>(row) * size + static_cast<size_t>(column);
  }

  // Fourier coefficients around rings: turning the image by a turns the phase of frequency k by k a.
  struct Rings {
    float center_x = 0, center_y = 0;  // of the rings, pixels from the image's centre
    float scale = 1;                   // of their radii
    std::array<float, size_t{frequencies} * rings> real{}, imaginary{};  // unit length together
  };
  std::array<Rings, 2> views;  // around the image's centre; around the centre of its detail, to its size
  std::vector<float> detail;   // [28 * 28]
};

// `grey` holds 28*28 values.
Fingerprint make_fingerprint(std::span<const float> grey);

}  // namespace mudra
