// The signs: which joint angles make a digit, and how one person's hand differs from another's.
#pragma once

#include <array>

#include "mudra/core/rng.h"
#include "mudra/synth/hand_model.h"

namespace mudra::synth {

inline constexpr int digit_count = 10;
inline constexpr int none_sign = 10;  // a hand that shows no digit

// Where the thumb stays while other fingers are curled: across them, beside them, or holding one.
enum class Rest { across, upright, pinched };

// What one person always does the same way.
struct Habits {
  std::array<Pose, digit_count> offset;       // added to the sign's angles
  float abduction = 1;                        // how far the fingers part
  float tightness = 1;                        // how firmly fingers curl
  std::array<float, digit_count> contact{};   // where along the finger's end the thumb touches, 0..1
  std::array<bool, digit_count> over_nail{};  // the thumb covers the finger's tip instead of meeting it
  Rest rest = Rest::across;
  float view_yaw = 0, view_pitch = 0, view_roll = 0;
  float zero_yaw = 0;  // extra turn when showing 0
};

Habits draw_habits(Rng& rng);

// The angles of one image of `sign`, thumb contact solved.
Pose draw_pose(const Anatomy& anatomy, const Habits& habits, int sign, Rng& rng);

// A hand that shows no digit: letters unlike digits, fists, claws, hands at rest.
Pose draw_other(const Anatomy& anatomy, const Habits& habits, Rng& rng);

// Moves the thumb, and a little the finger, until their pads meet at distance `gap` (mm).
// `along` is the place on the finger's last phalanx (0 joint, 1 tip).
void touch_finger(const Anatomy& anatomy, int finger, float along, float gap, Pose& pose);

// Moves the thumb alone until its pad lies on `target`.
void touch_point(const Anatomy& anatomy, Vec3 target, Pose& pose);

}  // namespace mudra::synth
