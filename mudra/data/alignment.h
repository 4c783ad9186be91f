// Lays one image over another: the turn, scale and shift at which they correlate most. Internal to data/.
#pragma once

#include <span>
#include <vector>

#include "mudra/data/fingerprint.h"

namespace mudra {

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
