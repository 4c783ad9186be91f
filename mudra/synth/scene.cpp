#include "mudra/synth/scene.h"

#include <algorithm>

#include "mudra/synth/draw.h"
#include "mudra/synth/room.h"

namespace mudra::synth {
namespace {

Vec3 flip(Vec3 v) { return {v.x, -v.y, v.z}; }

// A light from below, above, the left, the right, or from everywhere.
Light massey_light(Rng& rng) {
  Light light;
  const int side = static_cast<int>(rng.below(5));
  const float frontal = uniform(rng, 0.35f, 1.0f);
  const float jitter = normal(rng, 0, 0.4f);
  constexpr Vec3 from[5] = {{0, 0, 1}, {0, 1, 0}, {0, -1, 0}, {-1, 0, 0}, {1, 0, 0}};
  Vec3 d = from[side];
  if (side == 0) {
    d = {normal(rng, 0, 0.3f), normal(rng, 0, 0.3f), 1};
  } else {
    d = d + Vec3{d.y * jitter, d.x * jitter, frontal};
  }
  light.direction = unit(d);
  light.softness = side == 0 ? uniform(rng, 0.5f, 1) : uniform(rng, 0.1f, 0.6f);
  light.ambient = grey(side == 0 ? uniform(rng, 0.35f, 0.65f) : uniform(rng, 0.04f, 0.45f));
  light.key = grey(uniform(rng, 0.6f, 1.0f));
  if (side != 0 && rng.chance(0.6)) light.falloff = uniform(rng, 0.2f, 1.2f);
  light.rim = grey(rng.chance(0.3) ? uniform(rng, 0, 0.35f) : 0);
  return light;
}

Light room_light(Rng& rng) {
  Light light;
  light.direction = unit({normal(rng, 0, 0.6f), normal(rng, -0.3f, 0.6f), uniform(rng, 0.4f, 1.2f)});
  light.softness = uniform(rng, 0.2f, 1);
  light.ambient = grey(uniform(rng, 0.2f, 0.6f));
  light.key = grey(uniform(rng, 0.4f, 0.85f));
  light.rim = grey(rng.chance(0.4) ? uniform(rng, 0, 0.4f) : 0);
  return light;
}

// A phone's flash beside its lens: next to no shadow within the hand.
Light flash_light(Rng& rng) {
  Light light;
  light.direction = unit({normal(rng, 0, 0.3f), normal(rng, -0.15f, 0.3f), 1});
  light.softness = uniform(rng, 0.3f, 1);
  light.ambient = grey(uniform(rng, 0.25f, 0.6f));
  light.key = grey(uniform(rng, 0.5f, 0.9f));
  light.occlusion = uniform(rng, 0.5f, 1.2f);
  light.limb = uniform(rng, 0.2f, 1.1f);
  light.cast = uniform(rng, 0, 0.6f);
  light.shadow = uniform(rng, 0.2f, 0.7f);
  light.gloss = uniform(rng, 0, 0.12f);
  return light;
}

// Daylight from one side or from above, a little from behind or before the hand.
Light window_light(Rng& rng) {
  Light light;
  const float side = rng.chance(0.5) ? 1.f : -1.f;
  light.direction =
      unit({side * uniform(rng, 0.5f, 1), normal(rng, -0.2f, 0.35f), uniform(rng, -0.1f, 0.8f)});
  if (rng.chance(0.5)) {
    light.direction = unit({normal(rng, 0, 0.35f), -uniform(rng, 0.5f, 1), uniform(rng, 0, 0.7f)});
  }
  light.softness = uniform(rng, 0.3f, 1);
  light.ambient = grey(uniform(rng, 0.08f, 0.4f));
  light.key = grey(uniform(rng, 0.4f, 0.9f));
  light.occlusion = uniform(rng, 0.75f, 1.5f);
  light.limb = uniform(rng, 0, 0.6f);
  light.cast = uniform(rng, 0, 0.4f);
  light.shadow = uniform(rng, 0.4f, 1);
  return light;
}

void draw_view(const Person& person, int sign, Scene& scene, Rng& rng) {
  const Habits& habits = person.habits;
  float yaw = habits.view_yaw + normal(rng, 0, 9) * degrees;
  const float pitch = habits.view_pitch + normal(rng, 0, 9) * degrees;
  if (sign == 0) yaw = habits.zero_yaw + normal(rng, 0, 9) * degrees;
  // The open side of an O is held upright, not the arm.
  const float upright = sign == 0 ? 10 * degrees : 0;
  scene.view = rotation_z(habits.view_roll + upright) * rotation_x(pitch) * rotation_y(yaw);
  scene.distance = uniform(rng, 350, 1200);
}

void draw_framing(const Person& person, Scene& scene, Rng& rng) {
  Dress& dress = scene.dress;
  dress.ring_finger = person.ring_finger;
  switch (person.domain) {
    case Domain::massey:
      dress.cut = true;
      dress.forearm_length = uniform(rng, 0, rng.chance(0.15) ? 55 : 28);
      scene.cut_angle = normal(rng, 0, 0.2f);
      scene.roll = uniform(rng, -38, 38) * degrees;
      scene.fill = normal(rng, 0.92f, 0.06f);
      scene.shift_x = normal(rng, 0, 0.03f);
      scene.shift_y = normal(rng, -0.01f, 0.02f);
      scene.ragged = uniform(rng, 0, 0.35f);
      if (rng.chance(0.15)) scene.left_over = uniform(rng, 0.1f, 0.8f);
      break;
    case Domain::ankara:
      dress.forearm_length = 320;
      if (person.sleeves) dress.sleeve_from = uniform(rng, 15, 90);
      scene.roll = normal(rng, -7, 7) * degrees;
      scene.fill = uniform(rng, 0.8f, 1.02f);
      scene.least_extent = uniform(rng, 140, 190);
      scene.shift_x = normal(rng, 0.04f, 0.05f);
      scene.shift_y = normal(rng, 0.07f, 0.045f);
      scene.darker = clamp(normal(rng, 0.43f, 0.13f), 0.2f, 0.9f);
      scene.lowering = uniform(rng, 0.3f, 1);
      break;
    case Domain::room:
    case Domain::room_cut:
      break;
    case Domain::webcam:
      dress.forearm_length = 320;
      if (person.sleeves) dress.sleeve_from = uniform(rng, 5, 120);
      scene.roll = normal(rng, 0, 14) * degrees;
      scene.fill = uniform(rng, 0.5f, 1.0f);
      scene.shift_x = normal(rng, 0, 0.09f);
      scene.shift_y = normal(rng, 0, 0.07f);
      break;
  }
  scene.mirrored = person.left_handed;
}

// Where a point of the hand is seen, in millimetres from the middle of the palm, and how much the camera
// enlarges there. Weak perspective: every sphere keeps its shape and is scaled by its own distance.
Vec3 project(const Scene& scene, Vec3 p, float& scale) {
  p = scene.view * (p - Vec3{0, 70, 10});
  scale = scene.distance / std::max(60.f, scene.distance - p.z);
  return {p.x * scale, -p.y * scale, p.z};
}

struct Box {
  float left = 1e9f, right = -1e9f, top = 1e9f, bottom = -1e9f;
  void include(Vec3 p, float radius) {
    left = std::min(left, p.x - radius);
    right = std::max(right, p.x + radius);
    top = std::min(top, p.y - radius);
    bottom = std::max(bottom, p.y + radius);
  }
};

// Projects everything in `placed`; the box around the hand, without the arm.
Box project_all(const Scene& scene, const Mat3& forearm, Placed& placed) {
  Box box;
  for (RoundCone& cone : placed.cones) {
    float scale_a, scale_b;
    cone.a = project(scene, cone.a, scale_a);
    cone.b = project(scene, cone.b, scale_b);
    cone.radius_a *= scale_a;
    cone.radius_b *= scale_b;
    cone.palmar = flip(scene.view * cone.palmar);
    if (cone.part != Part::forearm && cone.part != Part::sleeve) {
      box.include(cone.a, cone.radius_a);
      box.include(cone.b, cone.radius_b);
    }
  }
  float unused;
  for (Vec3& joint : placed.joints) joint = project(scene, joint, unused);
  placed.palm_origin = project(scene, {0, 0, 0}, unused);
  if (scene.dress.cut) {
    const Vec3 arm = scene.view * (forearm * Vec3{0, -1, 0});
    placed.cut.on = true;
    placed.cut.at = project(scene, forearm * Vec3{0, -scene.dress.forearm_length, 0}, unused);
    placed.cut.away = rotation_z(scene.cut_angle) * unit(Vec3{arm.x, -arm.y, 0});
    box.bottom = placed.cut.at.y;
  }
  return box;
}

using Joints = std::array<Vec3, joint_count>;

// The turn in the picture's plane after which the middle finger's knuckle is straight above the wrist.
Mat3 upright(const Joints& joints) {
  const Vec3 along = joints[finger_joint(middle_finger)] - joints[wrist_joint];
  const Vec3 flat = unit(Vec3{along.x, along.y, 0});
  const float c = -flat.y, s = -flat.x;
  return {{c, s, 0}, {-s, c, 0}, {0, 0, 1}};
}

// As high and broad as the joints are after `turn`, about their middle.
Box box_of_joints(const Joints& joints, const Mat3& turn) {
  Box turned;
  for (const Vec3 joint : joints) turned.include(turn * joint, 0);
  const Mat3 back{{turn.x.x, turn.y.x, 0}, {turn.x.y, turn.y.y, 0}, {0, 0, 1}};
  const Vec3 middle =
      back * Vec3{0.5f * (turned.left + turned.right), 0.5f * (turned.top + turned.bottom), 0};
  const float width = 0.5f * (turned.right - turned.left), height = 0.5f * (turned.bottom - turned.top);
  return {middle.x - width, middle.x + width, middle.y - height, middle.y + height};
}

// From projected millimetres to samples of the picture.
class Framing {
 public:
  Framing(const Scene& scene, const Box& box, const Mat3& turn, int side)
      : turn_(turn), mirrored_(scene.mirrored) {
    const float frame = static_cast<float>(side), height = box.bottom - box.top;
    millimetre = scene.fill * frame / std::max({box.right - box.left, height, scene.least_extent});
    // A small sign stands where the wrist of an open hand would be.
    const float below = scene.lowering * std::max(0.f, scene.least_extent - height) * 0.5f;
    centre_ = {0.5f * (box.left + box.right), 0.5f * (box.top + box.bottom) - below, 0};
    at_ = {frame * (0.5f + scene.shift_x), frame * (0.5f + scene.shift_y), 0};
  }
  Vec3 point(Vec3 p) const {
    p = (turn_ * (p - centre_)) * millimetre;
    return {mirrored_ ? at_.x - p.x : at_.x + p.x, at_.y + p.y, p.z};
  }
  Vec3 direction(Vec3 v) const {
    v = turn_ * v;
    return {mirrored_ ? -v.x : v.x, v.y, v.z};
  }

  float millimetre;  // in samples

 private:
  Mat3 turn_;
  bool mirrored_;
  Vec3 centre_, at_;
};

}  // namespace

Person draw_person(Domain domain, Rng& rng) {
  if (is_room(domain)) return draw_room_person(domain, rng);
  Person person;
  person.domain = domain;
  person.anatomy = draw_anatomy(rng);
  person.habits = draw_habits(rng);
  person.palm_scale = 80 / person.anatomy.fingers[middle_finger].knuckle.y;
  const float tone = uniform(rng, 0, 1);  // dark to light; palms are lighter than the back
  const float darkest = domain == Domain::ankara ? 0.25f : 0.f;
  person.skin = mix(Vec3{0.26f, 0.15f, 0.10f}, Vec3{0.66f, 0.45f, 0.37f}, mix(darkest, 1, std::sqrt(tone)));
  person.nail = person.skin * 1.15f + Vec3{0.05f, 0.02f, 0.02f};
  if (rng.chance(0.06)) person.nail = {uniform(rng, 0, 0.6f), uniform(rng, 0, 0.2f), uniform(rng, 0, 0.3f)};
  person.crease = uniform(rng, 0.3f, 1);
  person.ruddy = uniform(rng, 0, 0.25f);
  if (rng.chance(0.12)) person.ring_finger = static_cast<int>(rng.below(4));
  person.sleeves = domain != Domain::massey && rng.chance(0.35);
  const float cloth = uniform(rng, 0.02f, 0.8f);
  person.sleeve = {cloth * uniform(rng, 0.6f, 1), cloth * uniform(rng, 0.6f, 1),
                   cloth * uniform(rng, 0.6f, 1)};
  person.dim = rng.chance(0.22);
  constexpr double left[] = {0.0, 0.02, 0.5};
  person.left_handed = rng.chance(left[static_cast<int>(domain)]);
  return person;
}

Scene draw_scene(const Person& person, int sign, Rng& rng) {
  if (is_room(person.domain)) return draw_room_scene(person, sign, rng);
  Scene scene;
  scene.empty = sign == none_sign && rng.chance(0.2);
  scene.pose = draw_pose(person.anatomy, person.habits, sign, rng);
  draw_view(person, sign, scene, rng);
  draw_framing(person, scene, rng);
  scene.light = person.domain == Domain::massey ? massey_light(rng) : room_light(rng);
  scene.light.occlusion = uniform(rng, 0.8f, 1.5f);
  scene.light.limb = uniform(rng, 0, person.domain == Domain::ankara ? 1.f : 0.6f);
  scene.light.cast = person.domain == Domain::massey ? 0 : uniform(rng, 0, 0.6f);
  scene.light.shadow = uniform(rng, 0.45f, 1.0f);
  scene.light.gloss = uniform(rng, 0, 0.12f);
  Camera& camera = scene.camera;
  if (person.domain == Domain::webcam) {
    camera.exposure = uniform(rng, 0.9f, 1.3f);
  } else {
    camera.of_hand = person.domain == Domain::massey;
    camera.target = camera.of_hand ? normal(rng, 0.48f, 0.09f) : normal(rng, 0.80f, 0.035f);
  }
  const bool cut_out = person.domain == Domain::massey;
  camera.gamma = cut_out ? uniform(rng, 1.4f, 2.6f) : uniform(rng, 1.7f, 2.4f);
  camera.blur = uniform(rng, 0, cut_out ? 0.4f : 0.3f);
  camera.noise = uniform(rng, 0, person.domain == Domain::webcam ? 0.04f : 0.008f);
  if (cut_out && rng.chance(0.15)) camera.noise = uniform(rng, 0.008f, 0.03f);
  camera.vignette =
      person.domain == Domain::massey ? 0 : uniform(rng, 0, person.domain == Domain::ankara ? 0.75f : 0.4f);
  camera.contrast = uniform(rng, 0, 0.6f);
  if (person.domain == Domain::webcam && rng.chance(0.5)) camera.sharpen = uniform(rng, 0, 0.9f);
  if (person.domain == Domain::ankara) {
    if (person.dim) {  // by a window, before a wall in the shade
      scene.light = window_light(rng);
      scene.darker = clamp(normal(rng, 0.36f, 0.1f), 0.15f, 0.7f);
      camera.target = normal(rng, 0.6f, 0.06f);
      camera.contrast = uniform(rng, 0, 0.3f);
      camera.vignette = uniform(rng, 0, 0.3f);
      camera.blur = uniform(rng, 0.1f, 0.7f);
      scene.least_extent = uniform(rng, 150, 200);
    } else {
      if (rng.chance(0.75)) scene.light = flash_light(rng);
      camera.sharpen = uniform(rng, 0.1f, 0.8f);
      camera.vignette = uniform(rng, 0.45f, 1.1f);
      camera.blur = uniform(rng, 0, 0.2f);
    }
  }
  camera.jpeg = rng.chance(0.3) ? uniform(rng, 0.1f, 1) : 0;
  return scene;
}

Placed place_hand(const Person& person, const Scene& scene, int side) {
  Placed placed;
  const Skeleton bones = place_bones(person.anatomy, scene.pose);
  placed.cones = place_skin(person.anatomy, bones, scene.dress);
  placed.joints = bones.joints;
  Box box = project_all(scene, bones.forearm, placed);
  Mat3 turn = rotation_z(scene.roll);
  if (scene.upright) turn = turn * upright(placed.joints);
  if (scene.of_joints) box = box_of_joints(placed.joints, turn);
  const Framing framing(scene, box, turn, side);
  placed.millimetre = framing.millimetre;
  for (RoundCone& cone : placed.cones) {
    cone.a = framing.point(cone.a);
    cone.b = framing.point(cone.b);
    cone.radius_a *= framing.millimetre;
    cone.radius_b *= framing.millimetre;
    cone.blend *= framing.millimetre;
    cone.palmar = framing.direction(cone.palmar);
  }
  for (Vec3& joint : placed.joints) joint = framing.point(joint);
  placed.cut.at = framing.point(placed.cut.at);
  placed.cut.away = framing.direction(placed.cut.away);
  placed.palm_origin = framing.point(placed.palm_origin);
  placed.palm_x = framing.direction(flip(scene.view.x));
  placed.palm_y = framing.direction(flip(scene.view.y));
  placed.palm_z = framing.direction(flip(scene.view.z));
  return placed;
}

}  // namespace mudra::synth
