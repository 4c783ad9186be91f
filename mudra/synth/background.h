// What is behind the hand.
#pragma once

#include <cstdint>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/scene.h"

namespace mudra::synth {

// Linear light of side x side pixels.
void draw_background(Domain domain, int side, Rng& rng, std::vector<Vec3>& pixels);

// Darkens the background where the hand (`mask`, 0..255 a pixel) keeps the light away.
void cast_shadow(const Light& light, int side, const std::vector<uint8_t>& mask, std::vector<Vec3>& pixels);

// Cutting out left some of a wall of this brightness near the hand, most of it between the fingers.
void leave_wall(float brightness, int side, const std::vector<uint8_t>& mask, Rng& rng,
                std::vector<Vec3>& pixels);

}  // namespace mudra::synth
