#include "mudra/synth/render_scene.h"

#include <algorithm>

#include "mudra/synth/background.h"
#include "mudra/synth/bystander.h"
#include "mudra/synth/camera.h"
#include "mudra/synth/draw.h"
#include "mudra/synth/room_background.h"

namespace mudra::synth {
namespace {

constexpr int samples = 2;  // a pixel, each way

// Each pixel's share of hand, 0..255.
void measure_mask(int side, const Surface& surface, std::vector<uint8_t>& mask) {
  mask.assign(static_cast<size_t>(side) * side, 0);
  for (int y = surface.top; y < surface.bottom; ++y) {
    for (int x = surface.left; x < surface.right; ++x) {
      if (surface.height[surface.at(x, y)] <= nothing) continue;
      const size_t pixel = static_cast<size_t>(y / samples) * side + x / samples;
      mask[pixel] = static_cast<uint8_t>(mask[pixel] + 255 / (samples * samples));
    }
  }
  // 255 / 4 leaves three levels behind.
  for (uint8_t& share : mask) share = share == 255 / (samples * samples) * samples * samples ? 255 : share;
}

// Lays the hand's samples over the background.
void compose(int side, const Surface& surface, const std::vector<Vec3>& colour, std::vector<Vec3>& light) {
  constexpr float share = 1.f / (samples * samples);
  for (int y = surface.top / samples; y < (surface.bottom + samples - 1) / samples; ++y) {
    for (int x = surface.left / samples; x < (surface.right + samples - 1) / samples; ++x) {
      Vec3 sum;
      int hits = 0;
      for (int i = 0; i < samples * samples; ++i) {
        const size_t at = surface.at(x * samples + i % samples, y * samples + i / samples);
        if (surface.height[at] <= nothing) continue;
        ++hits;
        sum = sum + colour[at];
      }
      Vec3& pixel = light[static_cast<size_t>(y) * side + x];
      if (hits > 0) pixel = pixel * (1 - static_cast<float>(hits) * share) + sum * share;
    }
  }
}

// Mean light (green) that leaves the hand; 0 where there is none.
float hand_light(const Surface& surface, const std::vector<Vec3>& colour) {
  float hand = 0, hand_samples = 0;
  for (int y = surface.top; y < surface.bottom; ++y) {
    for (int x = surface.left; x < surface.right; ++x) {
      const size_t at = surface.at(x, y);
      if (surface.height[at] <= nothing) continue;
      hand += colour[at].y;
      ++hand_samples;
    }
  }
  return hand_samples < 1 ? 0 : hand / hand_samples;
}

// Brightens the wall until the hand before it is darker by `ratio`.
void light_wall(float ratio, float hand, std::vector<Vec3>& light) {
  float wall = 0;
  for (const Vec3& pixel : light) wall += pixel.y;
  if (hand <= 0 || wall <= 0) return;
  const float gain = hand / (ratio * wall / static_cast<float>(light.size()));
  for (Vec3& pixel : light) pixel = pixel * gain;
}

std::array<std::array<float, 2>, joint_count> in_pixels(const Placed& placed) {
  std::array<std::array<float, 2>, joint_count> joints{};
  for (size_t i = 0; i < joints.size(); ++i)
    joints[i] = {placed.joints[i].x / samples, placed.joints[i].y / samples};
  return joints;
}

}  // namespace

std::array<std::array<float, 2>, joint_count> joints_of(const Person& person, const Scene& scene, int side) {
  return in_pixels(place_hand(person, scene, side * samples));
}

void draw_behind(const Person& person, const Scene& scene, int side, Rng& rng, Workspace& work) {
  if (scene.on_black) {
    work.light.assign(static_cast<size_t>(side) * side, grey(0));
  } else {
    draw_room(scene.light, person.skin, side, rng, work.light);
  }
  if (scene.things > 0)
    draw_things(scene.things, person.skin, scene.light, side, rng, work.behind, work.light);
  if (scene.head > 0) {
    draw_bystander(person.skin * (1 + 0.5f * person.pale_palm), scene.light, scene.head, scene.head_x,
                   scene.head_y, side, rng, work.behind, work.light);
  }
}

std::array<std::array<float, 2>, joint_count> render_scene(const Person& person, const Scene& scene, int side,
                                                           int channels, Rng& rng, Workspace& work,
                                                           uint8_t* pixels) {
  std::array<std::array<float, 2>, joint_count> joints{};
  work.surface.clear(side * samples);
  work.colour.resize(work.surface.height.size());
  const bool in_room = is_room(person.domain);
  if (in_room) {
    draw_behind(person, scene, side, rng, work);
  } else {
    draw_background(person.domain, side, rng, work.light);
  }
  if (!scene.empty) {
    const Placed placed = place_hand(person, scene, side * samples);
    raster(placed.cones, work.surface);
    cut_out(scene, placed, rng.bits(), work.surface);
    shade(person, scene, placed, work.surface, work.scratch, work.colour);
    joints = in_pixels(placed);
  }
  measure_mask(side, work.surface, work.mask);
  const float hand = hand_light(work.surface, work.colour);
  if (scene.darker > 0) light_wall(scene.darker, hand, work.light);
  if (scene.left_over > 0) leave_wall(scene.left_over * hand, side, work.mask, rng, work.light);
  cast_shadow(scene.light, side, work.mask, work.light);
  compose(side, work.surface, work.colour, work.light);
  if (in_room) {
    photograph_room(scene.camera, side, channels, rng, work.light, pixels);
  } else {
    photograph(scene.camera, side, channels, work.mask, rng, work.light, pixels);
  }
  return joints;
}

}  // namespace mudra::synth
