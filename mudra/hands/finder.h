// The finder: a network that looks at a whole picture in cells and says of each whether the middle of a hand
// is there, and if so where exactly, how large, and turned which way.
#pragma once

#include <span>

#include "mudra/hands/hand_view.h"

namespace mudra {

// What each cell of the finder's map says: one presence, then these distances.
//   x, y    from the cell's middle to the hand's, in half sizes of the hand
//   size    its natural logarithm, relative to a quarter of the picture
//   turn    the unit vector `up`
//   box     left, top, right and bottom of the joints in the picture, from the hand's middle, in half sizes
inline constexpr int finder_distances = 9;
inline constexpr int finder_channels = 1 + finder_distances;
inline constexpr int finder_targets = 2 + 1 + finder_distances;  // a weight before each head's values

// Fills targets [cells, cells, finder_targets] (network/heads.h) of a square picture of `side` pixels.
// `joints` in pixels, or empty: no hand.
void finder_targets_of(std::span<const Point> joints, int side, int cells, float* targets);

struct HandBox {
  float left = 0, top = 0, right = 0, bottom = 0;
};

// A hand in a picture, all in pixels of it.
struct FoundHand {
  HandView view;
  HandBox box;         // of the joints
  float presence = 0;  // probability, by the likeliest cell
};

// Below it, what the likeliest cell found is no hand that anybody should read.
inline constexpr float least_presence = 0.1f;

// From logits and distances [cells, cells, finder_channels].
FoundHand found_hand(const float* outputs, int side, int cells);

// The same hand in a picture that begins so many pixels further to the left and above.
FoundHand moved(FoundHand found, float right, float down);

// The same hand where the picture is as it was before it was brought to `side` x side, centred on black.
FoundHand in_picture(FoundHand found, int side, int height, int width);

}  // namespace mudra
