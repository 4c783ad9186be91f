// The finder: a network that looks at a whole picture in cells and says of each whether the middle of a hand
// is there, and if so where exactly, how large, and turned which way.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "mudra/hands/hand_view.h"

namespace mudra {

// What each cell of the finder's map says: one presence, then these distances.
//   x, y    from the cell's middle to the hand's, in half sizes of the hand
//   size    its natural logarithm, relative to a quarter of the picture
//   turn    the unit vector `up`
inline constexpr int finder_distances = 5;
inline constexpr int finder_channels = 1 + finder_distances;
inline constexpr int finder_targets = 2 + 1 + finder_distances;  // a weight before each head's values

// Fills targets [cells, cells, finder_targets] (network/heads.h) of a square picture of `side` pixels.
// `joints` in pixels, or empty: no hand.
void finder_targets_of(std::span<const Point> joints, int side, int cells, float* targets);

struct FoundHand {
  HandView view;       // in pixels of the square picture
  float presence = 0;  // probability, by the likeliest cell
};

// From logits and distances [cells, cells, finder_channels].
FoundHand found_hand(const float* outputs, int side, int cells);

}  // namespace mudra
