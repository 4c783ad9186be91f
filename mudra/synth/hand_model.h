// The hand: bones, their joints and the skin around them, in millimetres.
//
// A right hand with its palm to the viewer: x to the thumb's side, y along the fingers, z out of the
// palm. The wrist is the origin.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/vector.h"

namespace mudra::synth {

enum Finger { index_finger, middle_finger, ring_finger, little_finger };

// The 21 usual hand landmarks: wrist; thumb base, knuckle, joint, tip; then for each finger from index
// to little its knuckle (MCP), PIP, DIP and tip.
inline constexpr int joint_count = 21;
inline constexpr int wrist_joint = 0;
inline constexpr int thumb_joint = 1;
inline constexpr int finger_joint(int finger) { return 5 + 4 * finger; }

struct FingerBones {
  Vec3 knuckle;                   // MCP joint
  std::array<float, 3> length{};  // proximal, middle, distal phalanx up to the tip's centre
  std::array<float, 4> radius{};  // at MCP, PIP, DIP, tip
  float lean = 0;                 // the finger curls towards the thumb's base by this angle
};

struct Anatomy {
  std::array<FingerBones, 4> fingers;
  Vec3 thumb_base;
  std::array<float, 3> thumb_length{};  // metacarpal, proximal, distal
  std::array<float, 4> thumb_radius{};  // at the base, MCP, IP, tip
  float thickness = 1;                  // of palm and wrist, relative
  float wrist_half_width = 17;          // distance of the forearm's two bones from its middle
  float wrist_radius = 17;
  float forearm_radius = 24;  // 120 mm below the wrist
};

// Angles in radians; flexion is positive towards the palm; abduction, which parts the fingers, towards the
// thumb.
struct FingerPose {
  float abduction = 0, mcp = 0, pip = 0, dip = 0;
};
struct ThumbPose {
  float radial = 0.7f;  // of the metacarpal, away from the index finger in the palm's plane
  float palmar = 0.3f;  // of the metacarpal, out of the palm's plane
  float roll = 0;       // turns the plane in which the thumb bends
  float mcp = 0.1f, ip = 0.1f;
};
struct Pose {
  std::array<FingerPose, 4> fingers;
  ThumbPose thumb;
  float wrist_flexion = 0, wrist_deviation = 0;  // of the forearm relative to the hand
};

// Where the bones are. A bone's frame: y along it, z towards its palmar side.
struct Skeleton {
  std::array<Vec3, joint_count> joints;
  std::array<std::array<Mat3, 3>, 5> frames;  // [thumb, index, ... little][bone]
  Mat3 forearm;
};

Anatomy draw_anatomy(Rng& rng);
void place_thumb(const Anatomy& anatomy, const ThumbPose& pose, Skeleton& skeleton);
void place_finger(const Anatomy& anatomy, int finger, const FingerPose& pose, Skeleton& skeleton);
Skeleton place_bones(const Anatomy& anatomy, const Pose& pose);

// What a piece of skin belongs to; decides creases, nails and sleeve.
enum class Part : uint8_t {
  none,
  palm,
  forearm,
  sleeve,
  ring,
  band,
  proximal,
  middle,
  distal,
  thumb_proximal,
  thumb_distal
};

// A cone with round ends: all spheres whose centre and radius go linearly from a to b.
struct RoundCone {
  Vec3 a, b;
  float radius_a = 1, radius_b = 1;
  float blend = 0;  // distance over which it melts into what was drawn before
  Part part = Part::none;
  uint8_t digit = 0;  // 0 thumb, 1 index ... 4 little
  Vec3 palmar{0, 0, 1};
};

struct Dress {
  float forearm_length = 120;          // visible, from the wrist
  bool cut = false;                    // the picture ends there: a hand cut out, not an arm with a round end
  float sleeve_from = 1e9f;            // distance from the wrist at which a sleeve begins
  int ring_finger = -1;                // a finger (0 index ... 3 little) that wears a ring
  float band_at = -1;                  // mm from the wrist to a watch or bracelet; negative: none
  float band_width = 20;               // mm
  bool upper_arm = false;              // beyond the visible forearm an elbow follows, and the upper arm
  Vec3 upper_arm_direction{0, -1, 0};  // as seen from the forearm
};

std::vector<RoundCone> place_skin(const Anatomy& anatomy, const Skeleton& skeleton, const Dress& dress);

}  // namespace mudra::synth
