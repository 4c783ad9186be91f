#include "mudra/synth/hand_model.h"

namespace mudra::synth {
namespace {

// Visible finger lengths from crease to tip: mean and deviation in mm, index to little.
constexpr float finger_mean[4] = {63.9f, 70.7f, 65.5f, 53.3f};
constexpr float finger_deviation[4] = {4.1f, 5.2f, 4.8f, 4.3f};
constexpr float thumb_mean = 49.5f;
constexpr float thumb_deviation = 5.5f;
// The skin of the palm covers this much of the proximal phalanx.
constexpr float covered[4] = {20, 21, 20, 17};

// Bounded, so that no rare draw leaves the human range.
float about(Rng& rng, float mean, float deviation) {
  return mean + deviation * clamp(static_cast<float>(rng.normal()), -2.2f, 2.2f);
}

}  // namespace

Anatomy draw_anatomy(Rng& rng) {
  Anatomy hand;
  const float size = about(rng, 0, 1);          // long fingers come together
  const float stout = about(rng, 0.98f, 0.1f);  // thickness relative to length
  const float breadth = about(rng, 1.04f, 0.065f);
  const float palm = about(rng, 0.9f, 0.055f) * (1 + 0.05f * size);
  constexpr Vec3 knuckles[4] = {{26, 86, 1}, {6, 89, -2}, {-13, 84, -1}, {-30, 75, 2}};
  constexpr float lean[4] = {-3, 2, 9, 17};
  constexpr float base_radius[4] = {10.2f, 10.4f, 9.8f, 8.8f};
  for (int finger = 0; finger < 4; ++finger) {
    FingerBones& bones = hand.fingers[finger];
    const float visible =
        finger_mean[finger] + finger_deviation[finger] * (0.85f * size + 0.5f * about(rng, 0, 1));
    const float total = visible + covered[finger] * palm;
    const float radius = base_radius[finger] * stout * (1 + 0.04f * size);
    bones.radius = {radius, radius * about(rng, 0.90f, 0.02f), radius * about(rng, 0.79f, 0.02f),
                    radius * about(rng, 0.66f, 0.025f)};
    const float bone = total - bones.radius[3];
    bones.length = {bone * 0.505f, bone * 0.295f, bone * 0.2f};
    const Vec3 k = knuckles[finger];
    bones.knuckle = {k.x * palm * breadth, k.y * palm + about(rng, 0, 1), k.z + about(rng, 0, 0.7f)};
    bones.lean = (lean[finger] + about(rng, 0, 3)) * degrees;
  }
  const float thumb = thumb_mean + thumb_deviation * (0.7f * size + 0.6f * about(rng, 0, 1));
  hand.thumb_base = {20 * palm * breadth, 20 * palm, 9};
  hand.thumb_radius = {15 * stout, 11.4f * stout, 9.6f * stout, about(rng, 7.1f, 0.3f) * stout};
  hand.thumb_length = {47 * palm, thumb * 0.63f, thumb * 0.52f - hand.thumb_radius[3] * 0.5f};
  hand.thickness = stout * about(rng, 1, 0.05f);
  hand.wrist_half_width = about(rng, 13.5f, 1) * breadth * palm;
  hand.wrist_radius = about(rng, 15, 1) * stout;
  hand.forearm_radius = about(rng, 22, 2.5f) * stout;
  return hand;
}

// Three bones from `at`, the first in this frame, each other bent against the one before it; their joints
// from number `first` on.
static void place_chain(Vec3 at, Mat3 frame, const std::array<float, 3>& bend,
                        const std::array<float, 3>& length, int first, std::array<Mat3, 3>& frames,
                        Skeleton& skeleton) {
  skeleton.joints[first] = at;
  for (int bone = 0; bone < 3; ++bone) {
    if (bone > 0) frame = frame * rotation_x(bend[bone]);
    frames[bone] = frame;
    at = at + frame.y * length[bone];
    skeleton.joints[first + 1 + bone] = at;
  }
}

void place_finger(const Anatomy& anatomy, int finger, const FingerPose& pose, Skeleton& skeleton) {
  const FingerBones& bones = anatomy.fingers[finger];
  const Mat3 frame = rotation_z(-pose.abduction) * rotation_y(bones.lean) * rotation_x(pose.mcp);
  place_chain(bones.knuckle, frame, {0, pose.pip, pose.dip}, bones.length, finger_joint(finger),
              skeleton.frames[finger + 1], skeleton);
}

void place_thumb(const Anatomy& anatomy, const ThumbPose& pose, Skeleton& skeleton) {
  const auto [radial_sin, radial_cos] = sin_cos(pose.radial);
  const auto [palmar_sin, palmar_cos] = sin_cos(pose.palmar);
  const Vec3 along{radial_sin * palmar_cos, radial_cos * palmar_cos, palmar_sin};
  // It bends towards the little finger, turned by `roll` towards the palm's inside.
  const Vec3 u = unit(Vec3{-1, 0, 0} - along * dot(Vec3{-1, 0, 0}, along));
  const auto [roll_sin, roll_cos] = sin_cos(pose.roll);
  const Vec3 palmar = u * roll_cos + cross(along, u) * roll_sin;
  place_chain(anatomy.thumb_base, {cross(along, palmar), along, palmar}, {0, pose.mcp, pose.ip},
              anatomy.thumb_length, thumb_joint, skeleton.frames[0], skeleton);
}

Skeleton place_bones(const Anatomy& anatomy, const Pose& pose) {
  Skeleton skeleton;
  skeleton.joints[wrist_joint] = {0, 0, 0};
  place_thumb(anatomy, pose.thumb, skeleton);
  for (int finger = 0; finger < 4; ++finger) place_finger(anatomy, finger, pose.fingers[finger], skeleton);
  skeleton.forearm = rotation_z(pose.wrist_deviation) * rotation_x(pose.wrist_flexion);
  return skeleton;
}

namespace {

class Skin {
 public:
  Skin(const Anatomy& anatomy, const Skeleton& skeleton) : hand_(anatomy), bones_(skeleton) {}

  void add(Vec3 a, Vec3 b, float radius_a, float radius_b, float blend, Part part, int digit = 0,
           Vec3 palmar = {0, 0, 1}) {
    cones.push_back({a, b, radius_a, radius_b, blend, part, static_cast<uint8_t>(digit), palmar});
  }

  void forearm(const Dress& dress) {
    const Mat3& frame = bones_.forearm;
    const float thick = hand_.wrist_radius;
    const float length = dress.forearm_length + (dress.cut ? 25.f : 0.f);
    const float share = clamp(length / 120, 0, 1.6f);  // the arm widens towards the elbow
    const float far_radius = mix(thick, hand_.forearm_radius, share);
    for (float side : {-1.f, 0.f, 1.f}) {
      const float half = side * hand_.wrist_half_width;
      add(frame * Vec3{half, 0, -1}, frame * Vec3{half * (1 + 0.25f * share), -length, -2}, thick, far_radius,
          6, Part::forearm, 0, frame.z);
    }
    if (dress.band_at >= 0) {
      const float at = -dress.band_at, radius = mix(thick, far_radius, dress.band_at / length) + 1.5f;
      for (float side : {-1.f, 0.f, 1.f}) {
        const float half = side * hand_.wrist_half_width;
        add(frame * Vec3{half, at, -1}, frame * Vec3{half, at - dress.band_width, -1}, radius, radius, 0,
            Part::band, 0, frame.z);
      }
    }
    if (dress.upper_arm) {
      const Vec3 elbow = frame * Vec3{0, -length, -2};
      const bool dressed = dress.sleeve_from < length;
      const float radius = far_radius + (dressed ? 16.f : 7.f);
      add(elbow, elbow + frame * dress.upper_arm_direction * 330, radius, radius + 14, 8,
          dressed ? Part::sleeve : Part::forearm, 0, frame.z);
    }
    if (dress.sleeve_from >= length) return;
    const float reach = dress.upper_arm ? length : length + 60;
    for (float side : {-1.f, 0.f, 1.f}) {
      add(frame * Vec3{side * (hand_.wrist_half_width + 5), -dress.sleeve_from - thick * 0.6f, 0},
          frame * Vec3{side * (hand_.wrist_half_width + 8), -reach, -2}, thick + 5, far_radius + 9, 0,
          Part::sleeve, 0, frame.z);
    }
  }

  void palm() {
    const float thick = hand_.thickness;
    // Seven bars instead of four bones: the flesh between them lies as high as they do.
    for (int bar = 0; bar < 7; ++bar) {
      const int finger = bar / 2;
      const float between = bar % 2 == 0 ? 0 : 0.5f;
      const FingerBones& f = hand_.fingers[finger];
      const FingerBones& g = hand_.fingers[finger + (bar % 2)];
      const float hollow = bar >= 1 && bar <= 4 ? 3.5f : 0.f;
      const Vec3 root{mix(hand_.wrist_half_width, -hand_.wrist_half_width, static_cast<float>(bar) / 6), 2,
                      -1 - hollow};
      const Vec3 knuckle =
          mix(f.knuckle, g.knuckle, between) + Vec3{0, bar % 2 == 0 ? 0.f : -2.f, -0.6f * hollow};
      add(root, knuckle, 14.5f * thick, mix(f.radius[0], g.radius[0], between) * 1.18f, 6, Part::palm);
    }
    // Heel of the hand on the little finger's side, and pads below the fingers.
    const Vec3 little = hand_.fingers[little_finger].knuckle;
    add({-17, 14, 6}, mix({-17, 14, 6}, little + Vec3{1, 0, 2}, 0.75f), 13.5f * thick, 11.5f * thick, 7,
        Part::palm);
    for (int finger = 0; finger < 3; ++finger) {
      const Vec3 a = hand_.fingers[finger].knuckle, b = hand_.fingers[finger + 1].knuckle;
      add(mix(a, b, 0.25f) + Vec3{0, -4, 1}, mix(a, b, 0.75f) + Vec3{0, -4, 1}, 10.5f * thick, 10.5f * thick,
          5, Part::palm);
    }
    thenar(thick);
  }

  // The thumb's ball and the fold of skin between thumb and index finger.
  void thenar(float thick) {
    const Vec3 base = bones_.joints[thumb_joint];
    const Vec3 knuckle = bones_.joints[thumb_joint + 1];
    const Vec3 index = hand_.fingers[index_finger].knuckle;
    const Vec3 root{14, 8, 3};
    add(mix(root, base, 0.4f), mix(base, knuckle, 0.55f), 15 * thick, 15 * thick, 7, Part::palm);
    add(base, knuckle, hand_.thumb_radius[0], hand_.thumb_radius[1], 6, Part::palm);
    add(mix(root, index, 0.25f) + Vec3{0, 0, 4}, mix(base, knuckle, 0.62f), 13 * thick, 12 * thick, 8,
        Part::palm);
    add(mix(root, index, 0.45f) + Vec3{0, 0, 2}, mix(base, knuckle, 0.8f), 11 * thick, 9.5f * thick, 8,
        Part::palm);
    add(mix(root, index, 0.62f), mix(base, knuckle, 0.95f), 9 * thick, 6.5f * thick, 8, Part::palm);
  }

  void finger(int finger, bool ring) {
    const FingerBones& f = hand_.fingers[finger];
    const int first = finger_joint(finger);
    constexpr Part parts[3] = {Part::proximal, Part::middle, Part::distal};
    for (int bone = 0; bone < 3; ++bone) {
      const Vec3 a = bones_.joints[first + bone], b = bones_.joints[first + bone + 1];
      const Vec3 palmar = bones_.frames[finger + 1][bone].z;
      add(a, b, f.radius[bone], f.radius[bone + 1], bone == 0 ? 3.f : 1.2f, parts[bone], finger + 1, palmar);
      // Soft pads make a finger slightly thicker between its joints.
      if (bone < 2) {
        const float r = 0.5f * (f.radius[bone] + f.radius[bone + 1]);
        add(mix(a, b, 0.35f) + palmar * (r * 0.1f), mix(a, b, 0.65f) + palmar * (r * 0.1f), r * 1.03f,
            r * 1.03f, 2, parts[bone], finger + 1, palmar);
      }
    }
    if (ring) {
      const Vec3 a = bones_.joints[first], b = bones_.joints[first + 1];
      const float r = mix(f.radius[0], f.radius[1], 0.6f) + 0.9f;
      add(mix(a, b, 0.56f), mix(a, b, 0.63f), r, r, 0, Part::ring, finger + 1, {0, 0, 1});
    }
  }

  // Skin between two neighbouring fingers.
  void web(int finger) {
    auto root = [&](int i) {
      const Vec3 along = bones_.frames[i + 1][0].y;
      return hand_.fingers[i].knuckle + along * (0.3f * hand_.fingers[i].length[0]);
    };
    const float r = 0.72f * hand_.fingers[finger + 1].radius[0];
    if (length(root(finger) - root(finger + 1)) > 34) return;  // one is bent, the other is not
    add(root(finger), root(finger + 1), r, r, 5, Part::palm);
  }

  void thumb() {
    for (int bone = 1; bone < 3; ++bone) {
      const Vec3 a = bones_.joints[thumb_joint + bone], b = bones_.joints[thumb_joint + bone + 1];
      add(a, b, hand_.thumb_radius[bone], hand_.thumb_radius[bone + 1], bone == 1 ? 4.f : 1.2f,
          bone == 1 ? Part::thumb_proximal : Part::thumb_distal, 0, bones_.frames[0][bone].z);
    }
    const Vec3 a = bones_.joints[thumb_joint + 2], b = bones_.joints[thumb_joint + 3];
    const float r = 0.5f * (hand_.thumb_radius[2] + hand_.thumb_radius[3]) * 1.06f;
    add(mix(a, b, 0.4f), mix(a, b, 0.7f), r, r, 2, Part::thumb_distal, 0, bones_.frames[0][2].z);
  }

  std::vector<RoundCone> cones;

 private:
  const Anatomy& hand_;
  const Skeleton& bones_;
};

}  // namespace

std::vector<RoundCone> place_skin(const Anatomy& anatomy, const Skeleton& skeleton, const Dress& dress) {
  Skin skin(anatomy, skeleton);
  skin.cones.reserve(64);
  skin.forearm(dress);
  skin.palm();
  for (int finger = 0; finger < 3; ++finger) skin.web(finger);
  for (int finger = 0; finger < 4; ++finger) skin.finger(finger, finger == dress.ring_finger);
  skin.thumb();
  return skin.cones;
}

}  // namespace mudra::synth
