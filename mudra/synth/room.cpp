#include "mudra/synth/room.h"

#include <algorithm>

#include "mudra/core/portable_math.h"
#include "mudra/synth/draw.h"

namespace mudra::synth {
namespace {

// Evenly spread over octaves: as often between 1 and 2 as between 2 and 4.
float octaves(Rng& rng, float low, float high) {
  return static_cast<float>(portable::exp(static_cast<double>(
      uniform(rng, static_cast<float>(portable::log(low)), static_cast<float>(portable::log(high))))));
}

// Albedo in red, green and blue from very dark to very light skin; linear.
Vec3 skin_of(float tone, float hue) {
  constexpr Vec3 tones[] = {{0.055f, 0.030f, 0.020f}, {0.13f, 0.070f, 0.045f}, {0.26f, 0.150f, 0.095f},
                            {0.40f, 0.250f, 0.170f},  {0.55f, 0.370f, 0.280f}, {0.70f, 0.510f, 0.430f}};
  const float at = clamp(tone, 0, 0.9999f) * 5;
  const int below = static_cast<int>(at);
  const Vec3 skin = mix(tones[below], tones[below + 1], at - static_cast<float>(below));
  return {skin.x * (1 + 0.10f * hue), skin.y * (1 - 0.05f * hue), skin.z * (1 - 0.15f * hue)};
}

Vec3 cloth(Rng& rng) {
  const float value = octaves(rng, 0.015f, 0.8f);
  const float colour = rng.chance(0.5) ? 0.9f : 0.2f;
  return {value * uniform(rng, 1 - colour, 1), value * uniform(rng, 1 - colour, 1),
          value * uniform(rng, 1 - colour, 1)};
}

// What light of a colour temperature looks like to a camera set for daylight: -1 a candle, 1 a blue sky.
Vec3 warmth(float t) {
  return t < 0 ? Vec3{1, 1 + 0.30f * t, 1 + 0.62f * t} : Vec3{1 - 0.30f * t, 1 - 0.12f * t, 1};
}

Vec3 operator*(Vec3 a, Vec3 b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }

void draw_room_light(Scene& scene, Rng& rng) {
  Light& light = scene.light;
  const float kind = uniform(rng, 0, 1);
  const float side = rng.chance(0.5) ? 1.f : -1.f;
  if (kind < 0.3f) {  // a lamp or the sky above
    light.direction = unit({normal(rng, 0, 0.5f), -uniform(rng, 0.3f, 1), uniform(rng, 0.05f, 1)});
  } else if (kind < 0.6f) {  // a window to one side
    light.direction =
        unit({side * uniform(rng, 0.5f, 1), normal(rng, -0.15f, 0.35f), uniform(rng, -0.2f, 0.9f)});
  } else if (kind < 0.9f) {  // a screen or a flash
    light.direction = unit({normal(rng, 0, 0.35f), normal(rng, 0, 0.35f), 1});
  } else {  // behind the hand
    light.direction = unit({normal(rng, 0, 0.7f), normal(rng, -0.4f, 0.5f), -uniform(rng, 0.1f, 0.7f)});
  }
  const float strength = octaves(rng, 0.25f, 2.f);
  const float temperature = clamp(normal(rng, 0, 0.4f), -1, 1);
  const float other = clamp(temperature + normal(rng, 0, 0.3f), -1, 1);
  light.key = warmth(temperature) * strength;
  light.ambient = warmth(other) * uniform(rng, 0.1f, 0.6f);
  light.rim = rng.chance(0.35) ? warmth(other) * octaves(rng, 0.1f, 2.f) : Vec3{0, 0, 0};  // to burnt out
  light.softness = uniform(rng, 0.1f, 1);
  light.occlusion = uniform(rng, 0.4f, 1.5f);
  light.limb = uniform(rng, 0, 0.9f);
  light.shadow = uniform(rng, 0.2f, 1);
  light.gloss = uniform(rng, 0, 0.15f);
  light.cast = rng.chance(0.5) ? uniform(rng, 0, 0.6f) : 0;
  if (rng.chance(0.3)) light.falloff = uniform(rng, 0.1f, 0.8f);
  // White balance takes most of the light's colour away, or not.
  const Vec3 seen = warmth(clamp(temperature * uniform(rng, 0, 1.2f), -1, 1));
  scene.camera.gain = {1 / seen.x, 1 / seen.y, 1 / seen.z};
  scene.camera.gain =
      scene.camera.gain * Vec3{normal(rng, 1, 0.05f), normal(rng, 1, 0.025f), normal(rng, 1, 0.05f)};
}

void draw_room_view(const Person& person, int sign, Scene& scene, Rng& rng) {
  const Habits& habits = person.habits;
  float yaw = habits.view_yaw + normal(rng, 0, 16) * degrees;
  const float pitch = habits.view_pitch + normal(rng, 3, 14) * degrees;
  if (sign == 0 && rng.chance(0.75)) yaw = habits.zero_yaw + normal(rng, 0, 18) * degrees;
  if (rng.chance(0.15)) yaw += 180 * degrees;  // the back of the hand
  scene.view = rotation_z(habits.view_roll) * rotation_x(pitch) * rotation_y(yaw);
  scene.distance = octaves(rng, 280, 1500);
}

void draw_room_framing(Scene& scene, bool cut, Rng& rng) {
  scene.mirrored = rng.chance(0.5);
  scene.of_joints = true;
  if (cut) {  // as a finder leaves it
    scene.upright = true;
    scene.roll = clamp(normal(rng, 0, 12), -32, 32) * degrees;
    scene.fill = clamp(normal(rng, 0.72f, 0.085f), 0.5f, 0.98f);
    scene.shift_x = normal(rng, 0, 0.05f);
    scene.shift_y = normal(rng, 0, 0.05f);
    return;
  }
  scene.roll = rng.chance(0.8) ? normal(rng, 0, 20) * degrees : uniform(rng, -180, 180) * degrees;
  scene.fill = octaves(rng, 0.14f, 1.05f);
  const auto place = [&](float low, float high) {  // now and then the edge cuts off a part
    const float room = std::max(0.05f, 0.5f * (high - low) - 0.36f * scene.fill);
    return uniform(rng, -room, room);
  };
  scene.shift_x = place(scene.camera.left, scene.camera.right);
  scene.shift_y = place(scene.camera.top, scene.camera.bottom);
}

void draw_room_dress(const Person& person, Scene& scene, Rng& rng) {
  Dress& dress = scene.dress;
  dress.ring_finger = person.ring_finger;
  dress.forearm_length = uniform(rng, 210, 270);
  dress.upper_arm = true;
  const auto [s, c] = sin_cos(normal(rng, 0, 55) * degrees);
  dress.upper_arm_direction = unit(Vec3{s, -c, uniform(rng, -1.2f, 0.3f)});
  if (person.sleeves) dress.sleeve_from = rng.chance(0.8) ? uniform(rng, 5, 70) : uniform(rng, 70, 200);
  if (person.band.x > 0 && dress.sleeve_from > 40) {
    dress.band_at = uniform(rng, 12, 30);
    dress.band_width = person.band.y > 0.3f ? 8.f : 24.f;
  }
}

// Some cameras are good, some are bad in most things.
void draw_room_camera(Camera& camera, bool cut, Rng& rng) {
  const float bad = uniform(rng, 0, 1) * uniform(rng, 0, 1);
  const auto worse = [&](float most) { return most * bad * uniform(rng, 0.3f, 1); };
  camera.target = clamp(normal(rng, 0.47f, 0.10f), 0.2f, 0.75f);
  camera.gamma = uniform(rng, 1.8f, 2.6f);
  camera.contrast = uniform(rng, 0, 0.7f);
  camera.exposure = octaves(rng, 0.7f, 1.7f);
  camera.vignette = rng.chance(0.4) ? uniform(rng, 0, 0.6f) : 0;
  camera.blur = uniform(rng, 0, 0.7f);
  camera.saturation = octaves(rng, 0.5f, 1.5f);
  camera.grey = rng.chance(0.15);
  if (rng.chance(0.2)) {
    const auto [s, c] = sin_cos(uniform(rng, 0, 3.14159f));
    const float way = uniform(rng, 0.005f, cut ? 0.035f : 0.02f);
    camera.motion_x = way * c;
    camera.motion_y = way * s;
  }
  if (rng.chance(0.4)) camera.defocus = worse(cut ? 0.05f : 0.025f);
  if (rng.chance(cut ? 0.4 : 0.2)) camera.coarse = 1 + worse(cut ? 2.5f : 1.f);
  camera.noise = worse(rng.chance(0.7) ? 0.04f : 0.1f);
  if (rng.chance(0.4)) camera.veil = uniform(rng, 0, 0.35f);
  if (rng.chance(0.4)) camera.edge_sharpness = uniform(rng, 0.1f, 1.2f);
  if (rng.chance(0.25)) camera.sharpen = uniform(rng, 0, 0.5f);
  if (rng.chance(0.4)) {
    camera.jpeg = worse(1.5f);
    camera.chroma = uniform(rng, 0.1f, 1.2f);
  }
}

// Somebody is in the picture: whose hand it is, mostly, as near as it or behind it.
void draw_room_head(Scene& scene, bool cut, Rng& rng) {
  if (!rng.chance(scene.empty ? 0.7 : 0.45)) return;
  constexpr float heads_a_hand = 1.35f;
  const float hand = scene.empty ? octaves(rng, 0.15f, cut ? 2.f : 0.8f) : scene.fill;
  scene.head = clamp(hand * heads_a_hand * octaves(rng, 0.4f, 1.1f), 0.1f, 2.5f);
  scene.head_x = uniform(rng, -0.05f, 1.05f);
  scene.head_y = uniform(rng, 0.05f, 0.8f);
  if (scene.empty && rng.chance(0.35)) scene.head_y = -scene.head * uniform(rng, 0, 1.5f);  // a body alone
}

// As data sets have hands that were cut out by their colour: they fill the frame.
void cut_out_on_black(Scene& scene, bool cut, Rng& rng) {
  scene.on_black = true;
  scene.dress.cut = true;
  scene.dress.upper_arm = false;
  scene.dress.sleeve_from = 1e9f;
  scene.dress.band_at = -1;
  scene.dress.forearm_length = uniform(rng, 0, 50);
  scene.cut_angle = normal(rng, 0, 0.25f);
  scene.ragged = uniform(rng, 0, 0.35f);
  scene.light.cast = 0;
  scene.head = 0;
  scene.things = 0;
  scene.camera.veil = 0;
  scene.camera.target = clamp(normal(rng, 0.25f, 0.06f), 0.1f, 0.4f);
  scene.camera.left = scene.camera.top = 0;
  scene.camera.right = scene.camera.bottom = 1;
  if (cut) return;
  scene.roll = uniform(rng, -40, 40) * degrees;
  scene.fill = uniform(rng, 0.7f, 1.05f);
  scene.shift_x = normal(rng, 0, 0.04f);
  scene.shift_y = normal(rng, 0, 0.04f);
}

// Where the picture ends.
void draw_room_edges(Camera& camera, bool cut, Rng& rng) {
  if (!cut) {  // not square: the rest is black
    camera.black_beyond = true;
    const float shape = rng.chance(0.55) ? 0.75f : rng.chance(0.5) ? 0.5625f : 1.f;
    const float margin = 0.5f * (1 - shape);
    if (rng.chance(0.85)) {
      camera.top = margin;
      camera.bottom = 1 - margin;
    } else {
      camera.left = margin;
      camera.right = 1 - margin;
    }
    return;
  }
  const auto edge = [&] { return rng.chance(0.1) ? uniform(rng, 0.02f, 0.25f) : 0.f; };
  camera.left = edge();
  camera.right = 1 - edge();
  camera.top = edge();
  camera.bottom = 1 - edge();
}

// The O of a 0 is a high arch, or lies before the palm: then the fingers bend at their knuckles.
void round_zero(Pose& offset, Rng& rng) {
  const float knuckles = uniform(rng, 10, 48) * degrees, middle = uniform(rng, -18, 12) * degrees;
  for (FingerPose& finger : offset.fingers) {
    finger.mcp += knuckles;
    finger.pip += middle;
  }
  offset.thumb.palmar += uniform(rng, 0, 25) * degrees;
}

}  // namespace

Person draw_room_person(Domain domain, Rng& rng) {
  Person person;
  person.domain = domain;
  person.anatomy = draw_anatomy(rng);
  person.habits = draw_habits(rng);
  if (rng.chance(0.6)) round_zero(person.habits.offset[0], rng);
  person.palm_scale = 80 / person.anatomy.fingers[middle_finger].knuckle.y;
  const float tone = uniform(rng, 0, 1);
  person.skin = skin_of(tone, normal(rng, 0, 1));
  person.pale_palm = uniform(rng, 0, 0.3f) + (tone < 0.45f ? (0.45f - tone) * uniform(rng, 1, 4) : 0.f);
  person.nail = person.skin * 1.15f + Vec3{0.05f, 0.02f, 0.02f};
  if (rng.chance(0.12)) person.nail = {uniform(rng, 0, 0.6f), uniform(rng, 0, 0.2f), uniform(rng, 0, 0.3f)};
  person.crease = uniform(rng, 0.2f, 1);
  person.ruddy = uniform(rng, 0, 0.35f);
  if (rng.chance(0.15)) person.ring_finger = static_cast<int>(rng.below(4));
  person.sleeves = rng.chance(0.55);
  person.sleeve = cloth(rng);
  person.stripes = cloth(rng);
  if (rng.chance(0.2)) person.stripe = uniform(rng, 6, 40);
  if (rng.chance(0.25)) person.band = cloth(rng) + grey(0.01f);
  return person;
}

Scene draw_room_scene(const Person& person, int sign, Rng& rng) {
  const bool cut = person.domain == Domain::room_cut;
  Scene scene;
  scene.empty = sign == none_sign && rng.chance(0.55);
  scene.pose = sign == none_sign ? draw_other(person.anatomy, person.habits, rng)
                                 : draw_pose(person.anatomy, person.habits, sign, rng);
  scene.pose.wrist_deviation += normal(rng, 0, 11) * degrees;
  scene.pose.wrist_flexion += normal(rng, 0, 14) * degrees;
  draw_room_edges(scene.camera, cut, rng);
  draw_room_view(person, sign, scene, rng);
  draw_room_framing(scene, cut, rng);
  draw_room_dress(person, scene, rng);
  draw_room_light(scene, rng);
  draw_room_camera(scene.camera, cut, rng);
  draw_room_head(scene, cut, rng);
  if (rng.chance(scene.empty ? 0.8 : 0.5)) scene.things = static_cast<int>(rng.below(scene.empty ? 16 : 9));
  if (rng.chance(0.06)) cut_out_on_black(scene, cut, rng);
  return scene;
}

}  // namespace mudra::synth
