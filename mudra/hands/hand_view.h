// Where a hand is in a picture, and the upright square that is cut out of the picture to read it.
#pragma once

#include <array>
#include <span>

#include "mudra/data/image.h"
#include "mudra/data/point.h"

namespace mudra {

// The usual landmarks: wrist, thumb (4), index (4), middle (4), ring (4), little finger (4).
inline constexpr int hand_joints = 21;
using HandJoints = std::array<Point, hand_joints>;

// A square around a hand whose upper side lies where the middle finger's knuckle is, seen from the wrist.
struct HandView {
  Point middle;     // of the joints' box, turned upright
  float size = 0;   // the longer side of that box
  Point up{0, -1};  // unit vector from the wrist to the knuckle
};

// Of joints in a picture.
HandView view_of(std::span<const Point, hand_joints> joints);

// The hand stands in a cut so that its joints' longer side takes this part of it.
inline constexpr float joints_in_cut = 0.72f;

// What a reader says of a joint's x or y, and the part of the cut's side that it means.
inline constexpr float joint_scale = 3;
inline float part_of_cut(float said) { return said / joint_scale + 0.5f; }
inline float said_of_cut(float part) { return (part - 0.5f) * joint_scale; }

// `side` x side pixels of the same channels; beyond the picture its edge goes on.
Image cut(const Image& picture, const HandView& view, int side);

// From a cut to the picture it came from: both in pixels.
Point from_cut(Point at, const HandView& view, int side);
// The other way.
Point to_cut(Point at, const HandView& view, int side);

}  // namespace mudra
