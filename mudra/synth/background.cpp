#include "mudra/synth/background.h"

#include <algorithm>

#include "mudra/synth/draw.h"
#include "mudra/synth/noise.h"
#include "mudra/synth/square_sums.h"

namespace mudra::synth {
namespace {

Vec3 tint(Rng& rng, float value, float amount) {
  return {value * uniform(rng, 1 - amount, 1), value * uniform(rng, 1 - amount, 1),
          value * uniform(rng, 1 - amount, 1)};
}

struct Ramp {
  float dx, dy, base;
  float operator()(float x, float y) const { return base + dx * (x - 0.5f) + dy * (y - 0.5f); }
};

// `colour` of the middle of each pixel, in parts of the picture's side.
template <class Colour>
void paint(int side, std::vector<Vec3>& pixels, const Colour& colour) {
  const auto place = [&](size_t at) { return (static_cast<float>(at) + 0.5f) / static_cast<float>(side); };
  for (size_t at = 0; at < pixels.size(); ++at) pixels[at] = colour(place(at % side), place(at / side));
}

void wall(int side, Rng& rng, std::vector<Vec3>& pixels) {
  const Vec3 colour = tint(rng, 1, 0.06f);
  const float level = uniform(rng, 0.48f, 0.9f);
  const Ramp ramp{level * uniform(rng, -0.2f, 0.2f), level * uniform(rng, -0.2f, 0.2f), level};
  const float blotch = level * uniform(rng, 0, 0.08f);
  const uint32_t pattern = rng.bits();
  const float seam = rng.chance(0.25) ? uniform(rng, 0, 1) : -1;  // a sheet of paper ends
  const float tilt = uniform(rng, -0.08f, 0.08f);
  const float beyond = uniform(rng, 0.75f, 1.05f);
  paint(side, pixels, [&](float u, float v) {
    float value = ramp(u, v) + blotch * (value_noise(u * 4, v * 4, pattern) - 0.5f);
    if (seam >= 0 && v < seam * 0.2f + tilt * u) value *= beyond;
    return colour * std::max(0.02f, value);
  });
}

void clutter(int side, Rng& rng, std::vector<Vec3>& pixels) {
  const Vec3 a = tint(rng, uniform(rng, 0.02f, 0.9f), 0.4f), b = tint(rng, uniform(rng, 0.02f, 0.9f), 0.4f);
  const uint32_t pattern = rng.bits();
  const float grain = uniform(rng, 2, 9);
  struct Box {
    float x, y, w, h, c, s;
    bool round;
    Vec3 colour;
  };
  Box boxes[8];
  const int count = static_cast<int>(rng.below(9));
  for (int i = 0; i < count; ++i) {
    const auto [s, c] = sin_cos(uniform(rng, 0, 3.14f));
    boxes[i] = {uniform(rng, 0, 1),
                uniform(rng, 0, 1),
                uniform(rng, 0.05f, 0.4f),
                uniform(rng, 0.05f, 0.5f),
                c,
                s,
                rng.chance(0.4),
                tint(rng, uniform(rng, 0.01f, 0.9f), 0.5f)};
  }
  const float texture = uniform(rng, 0, 0.5f);
  paint(side, pixels, [&](float u, float v) {
    Vec3 colour = mix(a, b, value_noise(u * 2, v * 2, pattern));
    for (int i = 0; i < count; ++i) {
      const Box& box = boxes[i];
      const float p = ((u - box.x) * box.c + (v - box.y) * box.s) / box.w;
      const float q = ((v - box.y) * box.c - (u - box.x) * box.s) / box.h;
      const bool inside = box.round ? p * p + q * q < 1 : std::fabs(p) < 1 && std::fabs(q) < 1;
      if (inside) colour = box.colour;
    }
    const float n = 1 + texture * (value_noise(u * grain * 2, v * grain * 2, pattern + 1) - 0.5f);
    return colour * n;
  });
}

// The sum of `mask`, moved by (dx, dy), over a square of half-width `reach` around each pixel.
std::vector<int> hand_around(int side, int reach, const std::vector<uint8_t>& mask, int dx, int dy) {
  const SquareSums<int, std::vector<uint8_t>> sums(side, mask);
  std::vector<int> near;
  int count = 0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) near.push_back(sums.around(x - dx, y - dy, reach, count));
  }
  return near;
}

}  // namespace

void cast_shadow(const Light& light, int side, const std::vector<uint8_t>& mask, std::vector<Vec3>& pixels) {
  if (light.cast <= 0) return;
  const int reach = std::max(1, side / 14);
  const auto offset = static_cast<float>(side) * 0.06f;
  const std::vector<int> near = hand_around(side, reach, mask, static_cast<int>(-light.direction.x * offset),
                                            static_cast<int>(-light.direction.y * offset));
  const float scale = light.cast / (255.f * static_cast<float>((2 * reach + 1) * (2 * reach + 1)));
  for (size_t i = 0; i < near.size(); ++i) pixels[i] = pixels[i] * (1 - scale * static_cast<float>(near[i]));
}

void leave_wall(float brightness, int side, const std::vector<uint8_t>& mask, Rng& rng,
                std::vector<Vec3>& pixels) {
  const int reach = std::max(1, side / (rng.chance(0.5) ? 14 : 28));
  const std::vector<int> near = hand_around(side, reach, mask, 0, 0);
  const float whole = 255.f * static_cast<float>((2 * reach + 1) * (2 * reach + 1));
  const float share = uniform(rng, 0.15f, 0.6f);
  const uint32_t pattern = rng.bits();
  const float patches = 5 / static_cast<float>(side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const size_t at = static_cast<size_t>(y) * side + x;
      const float noise =
          value_noise(static_cast<float>(x) * patches, static_cast<float>(y) * patches, pattern);
      if (static_cast<float>(near[at]) > whole * (share + 0.5f * (noise - 0.3f)) && near[at] > 0)
        pixels[at] = grey(brightness);
    }
  }
}

void draw_background(Domain domain, int side, Rng& rng, std::vector<Vec3>& pixels) {
  const size_t count = static_cast<size_t>(side) * side;
  pixels.assign(count, grey(0));
  if (domain == Domain::ankara) wall(side, rng, pixels);
  if (domain == Domain::webcam) rng.chance(0.3) ? wall(side, rng, pixels) : clutter(side, rng, pixels);
}

}  // namespace mudra::synth
