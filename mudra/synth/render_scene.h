// From a scene to the picture a camera takes of it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/raster.h"
#include "mudra/synth/scene.h"
#include "mudra/synth/shading.h"

namespace mudra::synth {

// Memory used again from image to image.
struct Workspace {
  Surface surface, behind;
  ShadingScratch scratch;
  std::vector<Vec3> colour, light;
  std::vector<uint8_t> mask;  // of the last image: [side, side], each pixel's share of hand, 0..255
};

// In pixels of a picture of side x side.
std::array<std::array<float, 2>, joint_count> joints_of(const Person& person, const Scene& scene, int side);

// What is behind the hand in a room: fills work.light.
void draw_behind(const Person& person, const Scene& scene, int side, Rng& rng, Workspace& work);

// Fills `pixels`, [side, side, channels]; returns the joints in pixels (zeros where no hand is in the frame).
std::array<std::array<float, 2>, joint_count> render_scene(const Person& person, const Scene& scene, int side,
                                                           int channels, Rng& rng, Workspace& work,
                                                           uint8_t* pixels);

}  // namespace mudra::synth
