// An image made ready to be compared with others, whatever their turn, place, size and light, and laid over
// one: the turn, scale and shift at which they correlate most.
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

// x' = a x - b y + tx, y' = b x + a y + ty: from the candidate to the query, pixels from the centre
struct Similarity {
  double a = 1, b = 0, tx = 0, ty = 0;
};

// The query at twice the resolution (Catmull-Rom), surrounded by nothing.
class Magnified {
 public:
  static constexpr int side = 128, centre = 64;

  explicit Magnified(std::span<const float> image);  // 28*28 values
  const float* data() const { return values_.data(); }

 private:
  static float half(float a, float b, float c, float d) { return (9 * (b + c) - (a + d)) * (1 / 16.F); }
  float& at(int v, int u) { return values_[static_cast<size_t>(v) * side + static_cast<size_t>(u)]; }
  std::vector<float> values_;
};

struct Alignment {
  float similarity = -1;  // correlation, -1..1
  float degrees = 0;      // by which the candidate is turned to become the query, clockwise
};

// The best alignment found from a start, by the method of Evangelidis and Psarakis 2008; at least three
// quarters of a disc must be covered. `candidate` holds 28*28 values.
Alignment align(const Magnified& query, std::span<const float> candidate, Similarity start);

}  // namespace mudra
