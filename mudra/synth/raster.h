// From round cones to what a camera far away sees of them: a height field with normals.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mudra/synth/hand_model.h"

namespace mudra::synth {

inline constexpr float nothing = -1e6f;  // height where there is no surface

// One sample: x to the right, y down, height towards the viewer, all in samples.
struct Surface {
  int side = 0;                                  // samples in a row and in a column
  std::vector<float> height;                     // `nothing` where the background shows
  std::vector<Vec3> normal;                      // unit, in the same axes
  std::vector<uint8_t> cone;                     // index of the cone that is seen
  int top = 0, bottom = 0, left = 0, right = 0;  // samples outside [top, bottom) x [left, right) are empty

  void clear(int new_side);
  size_t at(int x, int y) const { return static_cast<size_t>(y) * side + x; }
};

// Draws the cones in order; each hides or, within its `blend`, melts into those before. At most 255.
void raster(std::span<const RoundCone> cones, Surface& surface);

}  // namespace mudra::synth
