#include "mudra/synth/pose.h"

#include "mudra/synth/draw.h"

namespace mudra::synth {
namespace {

enum class Finger { straight, curled, bent };  // bent: the thumb meets it

struct Sign {
  Finger fingers[4];  // index to little
  int touches;        // finger the thumb's pad meets, -1: none
};

constexpr Finger S = Finger::straight, C = Finger::curled, B = Finger::bent;
constexpr Sign signs[digit_count] = {
    {{B, B, B, B}, index_finger},
    {{S, C, C, C}, -1},
    {{S, S, C, C}, -1},
    {{S, S, C, C}, -1},
    {{S, S, S, S}, -1},
    {{S, S, S, S}, -1},
    {{S, S, S, B}, little_finger},
    {{S, S, B, S}, ring_finger},
    {{S, B, S, S}, middle_finger},
    {{B, S, S, S}, index_finger},
};

// Fan of straight fingers in degrees, positive to the thumb.
constexpr float fan[4] = {8, 0.5f, -7, -17};

FingerPose straight(Rng& rng, int finger, float abduction) {
  FingerPose pose;
  pose.abduction = normal(rng, fan[finger] * abduction, 3) * degrees;
  pose.mcp = normal(rng, 4, 7) * degrees;
  pose.pip = clamp(normal(rng, 6, 5), -3, 40) * degrees;
  pose.dip = 0.6f * pose.pip + normal(rng, 0, 2) * degrees;
  return pose;
}

FingerPose curled(Rng& rng, int finger, float tightness) {
  FingerPose pose;
  pose.abduction = normal(rng, fan[finger] * 0.15f, 2) * degrees;
  pose.mcp = clamp(normal(rng, 68 * tightness, 10), 35, 92) * degrees;
  pose.pip = clamp(normal(rng, 97, 8) * (0.6f + 0.4f * tightness), 60, 110) * degrees;
  pose.dip = clamp(0.55f * pose.pip + normal(rng, 0, 8) * degrees, 10 * degrees, 75 * degrees);
  return pose;
}

// A starting point for contact: the further from the thumb, the more the knuckle bends.
FingerPose bent(Rng& rng, int finger, int digit) {
  FingerPose pose;
  constexpr float mcp[4] = {40, 46, 48, 50};
  constexpr float pip[4] = {66, 72, 74, 70};
  pose.abduction = normal(rng, fan[finger] * 0.5f, 3) * degrees;
  if (digit == 0) {
    pose.mcp = normal(rng, 36, 8) * degrees;
    pose.pip = normal(rng, 46, 8) * degrees;
  } else {
    pose.mcp = normal(rng, mcp[finger], 8) * degrees;
    pose.pip = normal(rng, pip[finger], 9) * degrees;
  }
  if (digit == 9) pose.abduction += 6 * degrees;  // the circle of 9 stands clear of the palm
  pose.dip = 0.62f * pose.pip;
  return pose;
}

// Means and deviations in degrees.
ThumbPose draw_thumb(Rng& rng, const ThumbPose& mean, const ThumbPose& deviation) {
  return {normal(rng, mean.radial, deviation.radial) * degrees,
          normal(rng, mean.palmar, deviation.palmar) * degrees,
          normal(rng, mean.roll, deviation.roll) * degrees, normal(rng, mean.mcp, deviation.mcp) * degrees,
          normal(rng, mean.ip, deviation.ip) * degrees};
}

ThumbPose thumb_apart(Rng& rng) { return draw_thumb(rng, {47, 14, 5, 2, -2}, {8, 8, 8, 8, 10}); }

// `finger`: the one it meets or lies across; `meets` is false where it only rests.
ThumbPose thumb_opposed(Rng& rng, int finger, bool meets, bool circle) {
  constexpr float radial[4] = {48, 36, 26, 14};
  constexpr float mcp[4] = {12, 22, 30, 36};
  constexpr float roll[4] = {-25, -8, 0, 5};
  if (circle) return draw_thumb(rng, {24, 48, -60, 10, 12}, {5, 6, 8, 8, 12});
  const float palmar = finger == little_finger ? 46 : 40, ip = meets && finger != index_finger ? 14 : 26;
  return draw_thumb(rng, {radial[finger], palmar, roll[finger], mcp[finger], ip}, {5, 6, 8, 8, 12});
}

// A point on the outside of a curled finger, where the thumb rests.
Vec3 back_of(const Anatomy& anatomy, const Pose& pose, int finger, int bone, float along) {
  Skeleton bones;
  place_finger(anatomy, finger, pose.fingers[finger], bones);
  const int joint = finger_joint(finger) + bone;
  return mix(bones.joints[joint], bones.joints[joint + 1], along) -
         bones.frames[finger + 1][bone].z * anatomy.fingers[finger].radius[bone + 1];
}

void add(Pose& pose, const Pose& offset) {
  for (int i = 0; i < 4; ++i) {
    pose.fingers[i].abduction += offset.fingers[i].abduction;
    pose.fingers[i].mcp += offset.fingers[i].mcp;
    pose.fingers[i].pip += offset.fingers[i].pip;
    pose.fingers[i].dip += offset.fingers[i].dip;
  }
  pose.thumb.radial += offset.thumb.radial;
  pose.thumb.palmar += offset.thumb.palmar;
  pose.thumb.roll += offset.thumb.roll;
  pose.thumb.mcp += offset.thumb.mcp;
  pose.thumb.ip += offset.thumb.ip;
}

// All fingers bring their tips to the thumb's, side by side: an O.
void close_circle(const Anatomy& anatomy, float along, Pose& pose, Rng& rng) {
  const float gap = normal(rng, 0, 1.2f);
  touch_finger(anatomy, rng.chance(0.5) ? index_finger : middle_finger, along, gap, pose);
  // The others follow the finger that was solved.
  const FingerPose lead = pose.fingers[index_finger];
  const FingerPose second = pose.fingers[middle_finger];
  const float mcp = 0.5f * (lead.mcp + second.mcp), pip = 0.5f * (lead.pip + second.pip);
  constexpr float more_mcp[4] = {-1, 1, 3, 5};
  for (int finger = 0; finger < 4; ++finger) {
    FingerPose& f = pose.fingers[finger];
    f.mcp = mix(f.mcp, mcp + more_mcp[finger] * degrees, 0.7f);
    f.pip = mix(f.pip, pip, 0.7f);
    f.dip = 0.6f * f.pip;
    f.abduction = (fan[finger] * -0.25f) * degrees + 0.4f * f.abduction;
  }
}

void rest_thumb(const Anatomy& anatomy, int digit, float where, Rest rest, Pose& pose, Rng& rng) {
  const float jitter = normal(rng, 0, 2.5f);
  if (digit == 4) {
    // The bent thumb cannot lie on its own base.
    const float palm = anatomy.fingers[middle_finger].knuckle.y / 80;
    Vec3 target{(mix(15.f, -27.f, where) + jitter) * palm, normal(rng, 55, 10) * palm, 16};
    const Vec3 from = target - anatomy.thumb_base;
    const auto& bone = anatomy.thumb_length;
    const float nearest = 0.55f * (bone[0] + bone[1] + bone[2]);
    if (length(from) < nearest) target = anatomy.thumb_base + unit(from) * nearest;
    touch_point(anatomy, target, pose);
    return;
  }
  const int finger = digit == 1 ? middle_finger : ring_finger;
  if (rest == Rest::upright) {  // the thumb lies along the hand's edge, beside the curled fingers
    pose.thumb.radial = normal(rng, 8, 6) * degrees;
    pose.thumb.palmar = normal(rng, 24, 6) * degrees;
    pose.thumb.mcp = normal(rng, 8, 8) * degrees;
    pose.thumb.ip = normal(rng, 12, 10) * degrees;
    return;
  }
  if (rest == Rest::pinched) {  // the thumb's pad holds the finger's
    FingerPose& f = pose.fingers[finger];
    f.mcp -= 12 * degrees;
    f.pip -= 22 * degrees;
    touch_finger(anatomy, finger, 0.3f + 0.6f * where, normal(rng, 0, 1), pose);
    return;
  }
  const float along = where * 0.9f;
  touch_point(anatomy, back_of(anatomy, pose, finger, 1, along) + Vec3{jitter, 0, 0}, pose);
}

// Straight and curled fingers in a pattern that is no digit.
void draw_pattern(const Anatomy& anatomy, const Habits& habits, Pose& pose, Rng& rng) {
  constexpr Finger other[][5] = {// thumb apart (straight) or folded (curled), then index to little
                                 {S, C, C, C, C}, {C, C, C, C, S}, {S, C, C, C, S}, {C, S, C, C, S},
                                 {S, S, C, C, C}, {S, S, C, C, S}, {C, C, S, C, C}, {C, C, C, S, S}};
  const auto& pattern = other[rng.below(std::size(other))];
  for (int finger = 0; finger < 4; ++finger) {
    pose.fingers[finger] = pattern[finger + 1] == S ? straight(rng, finger, habits.abduction)
                                                    : curled(rng, finger, habits.tightness);
  }
  if (pattern[0] == S) {
    pose.thumb = thumb_apart(rng);
  } else {
    rest_thumb(anatomy, 2, uniform(rng, 0, 1), Rest::across, pose, rng);
  }
}

void draw_none(const Anatomy& anatomy, const Habits& habits, Pose& pose, Rng& rng) {
  const int kind = static_cast<int>(rng.below(3));
  for (int finger = 0; finger < 4; ++finger) {
    FingerPose& f = pose.fingers[finger];
    if (kind == 0) f = curled(rng, finger, habits.tightness);  // fist
    if (kind == 1) {                                           // half closed
      f = straight(rng, finger, habits.abduction);
      f.mcp = uniform(rng, 15, 60) * degrees;
      f.pip = uniform(rng, 35, 75) * degrees;
      f.dip = 0.6f * f.pip;
    }
  }
  pose.thumb =
      kind == 1 && rng.chance(0.5) ? thumb_apart(rng) : thumb_opposed(rng, index_finger, false, false);
  if (kind == 0) rest_thumb(anatomy, rng.chance(0.5) ? 1 : 2, uniform(rng, 0, 1), Rest::across, pose, rng);
  if (kind == 2) draw_pattern(anatomy, habits, pose, rng);
}

void draw_digit(const Anatomy& anatomy, const Habits& habits, int digit, Pose& pose, Rng& rng) {
  const Sign& sign = signs[digit];
  // Where the thumb pulls a finger from between others down, those part further; three beside each other stay
  // close.
  const float abduction = habits.abduction * (digit == 7 || digit == 8 ? 1.15f : digit == 6 ? 0.8f : 1.f);
  for (int finger = 0; finger < 4; ++finger) {
    switch (sign.fingers[finger]) {
      case Finger::straight:
        pose.fingers[finger] = straight(rng, finger, abduction);
        break;
      case Finger::curled:
        pose.fingers[finger] = curled(rng, finger, habits.tightness);
        break;
      case Finger::bent:
        pose.fingers[finger] = bent(rng, finger, digit);
        break;
    }
  }
  // With the third finger away the first two part evenly; a single one points up.
  if (digit == 1) pose.fingers[index_finger].abduction -= 8 * degrees;
  if (digit == 2 || digit == 3) {
    pose.fingers[index_finger].abduction += 2 * degrees;
    pose.fingers[middle_finger].abduction -= 6 * habits.abduction * degrees;
  }
  const bool apart = digit == 3 || digit == 5;
  const bool meets = sign.touches >= 0;
  pose.thumb =
      apart ? thumb_apart(rng) : thumb_opposed(rng, meets ? sign.touches : middle_finger, meets, digit == 0);
  add(pose, habits.offset[digit]);
  pose.thumb.radial = clamp(pose.thumb.radial, -20 * degrees, 57 * degrees);
  const float where = clamp(habits.contact[digit] + normal(rng, 0, 0.12f), 0, 1);
  if (digit == 0) {
    close_circle(anatomy, 0.4f + 0.5f * where, pose, rng);
  } else if (meets) {
    touch_finger(anatomy, sign.touches, 0.2f + 0.75f * where, normal(rng, -0.5f, 1.5f), pose);
    if (habits.over_nail[digit])
      touch_point(anatomy, back_of(anatomy, pose, sign.touches, 2, 0.7f * where), pose);
  } else if (!apart) {
    rest_thumb(anatomy, digit, where, rng.chance(0.85) ? habits.rest : Rest::across, pose, rng);
  }
}

}  // namespace

Habits draw_habits(Rng& rng) {
  Habits habits;
  habits.abduction = clamp(normal(rng, 1.4f, 0.45f), 0.4f, 2.f);
  habits.tightness = normal(rng, 1, 0.12f);
  for (int digit = 0; digit < digit_count; ++digit) {
    for (FingerPose& finger : habits.offset[digit].fingers) {
      finger = {normal(rng, 0, 3) * degrees, normal(rng, 0, 7.2f) * degrees, normal(rng, 0, 6) * degrees, 0};
    }
    habits.offset[digit].thumb = draw_thumb(rng, {0, 0, 0, 0, 0}, {7, 7, 7, 6, 8});
    habits.contact[digit] = uniform(rng, 0, 1);
    habits.over_nail[digit] = digit >= 6 && digit <= 8 && rng.chance(0.6);
  }
  const auto rest = rng.below(10);
  habits.rest = rest < 6 ? Rest::across : rest < 8 ? Rest::upright : Rest::pinched;
  habits.view_yaw = normal(rng, 0, 7) * degrees;
  habits.view_pitch = normal(rng, 0, 6) * degrees;
  habits.view_roll = normal(rng, 0, 6) * degrees;
  habits.zero_yaw = normal(rng, 70, 16) * degrees;
  return habits;
}

Pose draw_other(const Anatomy& anatomy, const Habits& habits, Rng& rng) {
  Pose pose;
  const float kind = uniform(rng, 0, 1);
  pose.thumb = thumb_opposed(rng, index_finger, false, false);
  if (kind < 0.5f) {  // letters: thumb, index, middle or little finger alone, L, Y, horns
    draw_pattern(anatomy, habits, pose, rng);
    return pose;
  }
  const bool hook = kind < 0.55f, fist = !hook && kind < 0.75f, claw = !hook && !fist && kind < 0.85f;
  const float mcp = uniform(rng, 10, 45), pip = uniform(rng, 25, 60);
  for (int finger = 0; finger < 4; ++finger) {
    FingerPose& f = pose.fingers[finger];
    f = hook || fist ? curled(rng, finger, habits.tightness) : straight(rng, finger, 0.6f * habits.abduction);
    if (hook && finger == index_finger) f = straight(rng, finger, 0);
    if (claw || (hook && finger == index_finger)) {
      f.mcp = normal(rng, 8, 8) * degrees;
      f.pip = normal(rng, 80, 12) * degrees;
    } else if (!hook && !fist) {  // at rest
      f.mcp = normal(rng, mcp + 4 * static_cast<float>(finger), 5) * degrees;
      f.pip = normal(rng, pip + 4 * static_cast<float>(finger), 6) * degrees;
    }
    if (!fist) f.dip = 0.6f * f.pip;
  }
  if (fist || hook)
    rest_thumb(anatomy, rng.chance(0.5) ? 1 : 2, uniform(rng, 0, 1),
               rng.chance(0.7) ? Rest::across : Rest::upright, pose, rng);
  if (claw) pose.thumb = draw_thumb(rng, {40, 30, 0, 20, 40}, {8, 8, 8, 8, 10});
  if (!fist && !hook && !claw) pose.thumb = draw_thumb(rng, {25, 25, -10, 12, 18}, {8, 8, 8, 8, 8});
  return pose;
}

Pose draw_pose(const Anatomy& anatomy, const Habits& habits, int sign, Rng& rng) {
  Pose pose;
  pose.wrist_deviation = normal(rng, 0, 8) * degrees;
  pose.wrist_flexion = normal(rng, 0, 9) * degrees;
  if (sign < digit_count) {
    draw_digit(anatomy, habits, sign, pose, rng);
  } else {
    draw_none(anatomy, habits, pose, rng);
  }
  return pose;
}

}  // namespace mudra::synth
