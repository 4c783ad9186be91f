// Whether two pictures show the same photograph: turned, shifted, scaled, brighter or darker.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"

namespace mudra {

// One image made ready for comparison. Grey, 28x28, less its slow changes of brightness (a difference of
// Gaussians), so that light and shade over the whole picture do not count.
struct Print {
  static constexpr int size = 28;
  static constexpr int rings = 6, frequencies = 8;

  // Fourier coefficients around rings: turning the image by a turns the phase of frequency k by k a.
  struct Rings {
    float center_x = 0, center_y = 0;  // of the rings, pixels from the image's centre
    float scale = 1;                   // of their radii
    std::array<float, size_t{frequencies} * rings> real{}, imaginary{};  // unit length together
  };
  std::array<Rings, 2> views;  // around the image's centre; around the centre of its detail, to its size
  std::vector<float> detail;   // [28 * 28]
};

struct Match {
  int64_t row = -1;       // into the prints
  float similarity = -1;  // correlation of the detail once aligned, -1..1
  float degrees = 0;      // by which the searched image is turned to become the other, clockwise
};

// Above this, two images are copies of one photograph. Photographs of other hands stay below 0.95.
inline constexpr float copy_similarity = 0.96F;

// `grey` holds 28*28 values.
Print make_print(std::span<const float> grey);

// The copies among prints[candidates] of each of prints[queries], closest first: a coarse search over all of
// them at all angles to 75 degrees, then alignment of the 24 closest. The same bits for any number of
// threads.
std::vector<std::vector<Match>> find_copies(std::span<const Print> prints, std::span<const int64_t> queries,
                                            std::span<const int64_t> candidates, ThreadTeam& team);

}  // namespace mudra
