// Smooth noise from integers: cheap, and the same everywhere.
#pragma once

#include <cstdint>

#include "mudra/synth/vector.h"

namespace mudra::synth {

inline uint32_t hash(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t h = a * 0x9E3779B1u ^ b * 0x85EBCA77u ^ c * 0xC2B2AE3Du;
  h = (h ^ h >> 15) * 0x2C1B3C6Du;
  h = (h ^ h >> 12) * 0x297A2D39u;
  return h ^ h >> 15;
}

// Value noise in [0, 1): random values on a grid of whole numbers, joined smoothly.
inline float value_noise(float x, float y, uint32_t pattern) {
  const float fx = std::floor(x), fy = std::floor(y);
  const auto ix = static_cast<uint32_t>(static_cast<int32_t>(fx));
  const auto iy = static_cast<uint32_t>(static_cast<int32_t>(fy));
  auto corner = [&](uint32_t dx, uint32_t dy) {
    return static_cast<float>(hash(ix + dx, iy + dy, pattern) >> 8) * 0x1p-24f;
  };
  float tx = x - fx, ty = y - fy;
  tx = tx * tx * (3 - 2 * tx);
  ty = ty * ty * (3 - 2 * ty);
  return mix(mix(corner(0, 0), corner(1, 0), tx), mix(corner(0, 1), corner(1, 1), tx), ty);
}

}  // namespace mudra::synth
