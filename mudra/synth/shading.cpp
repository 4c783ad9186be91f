#include "mudra/synth/shading.h"

#include <algorithm>

#include "mudra/synth/noise.h"

namespace mudra::synth {
namespace {

// Mean of the heights in a square of half-width `reach`; background counts as lying `floor` deep.
// Running sums along rows, then columns.
void box_blur(const Surface& surface, int reach, float floor, ShadingScratch& scratch,
              std::vector<float>& out) {
  const int x0 = surface.left, x1 = surface.right, y0 = surface.top, y1 = surface.bottom;
  const int width = x1 - x0, height = y1 - y0;
  out.resize(static_cast<size_t>(width) * height);
  scratch.sums.resize(static_cast<size_t>(width) * height);
  const float scale = 1 / static_cast<float>(2 * reach + 1);
  auto value = [&](int x, int y) {
    const float h = surface.height[surface.at(x, y)];
    return h > floor ? h : floor;
  };
  for (int y = y0; y < y1; ++y) {
    scratch.row.assign(static_cast<size_t>(width) + 2 * static_cast<size_t>(reach) + 1, floor);
    for (int x = x0; x < x1; ++x) scratch.row[static_cast<size_t>(int64_t{x} - x0 + reach)] = value(x, y);
    float sum = 0;
    for (int i = 0; i < 2 * reach; ++i) sum += scratch.row[static_cast<size_t>(i)];
    float* to = &scratch.sums[static_cast<size_t>(y - y0) * width];
    for (int x = 0; x < width; ++x) {
      sum += scratch.row[static_cast<size_t>(x) + 2 * static_cast<size_t>(reach)];
      to[x] = sum * scale;
      sum -= scratch.row[static_cast<size_t>(x)];
    }
  }
  // Columns: a row of running sums at a time.
  scratch.row.assign(static_cast<size_t>(width), floor * static_cast<float>(reach));
  auto source = [&](int y, int x) {
    return y < 0 || y >= height ? floor : scratch.sums[static_cast<size_t>(y) * width + x];
  };
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < reach; ++y) scratch.row[static_cast<size_t>(x)] += source(y, x);
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      float& sum = scratch.row[static_cast<size_t>(x)];
      sum += source(y + reach, x);
      out[static_cast<size_t>(y) * width + x] = sum * scale;
      sum -= source(y - reach, x);
    }
  }
}

// Share of the light that reaches a sample past the rest of the hand.
float lit(const Surface& surface, int x, int y, float height, Vec3 direction, float step, float softness) {
  const float flat = std::sqrt(direction.x * direction.x + direction.y * direction.y);
  if (flat < 0.05f) return 1;
  const float dx = direction.x / flat * step, dy = direction.y / flat * step;
  const float rise = direction.z / flat * step;
  float px = static_cast<float>(x) + 0.5f, py = static_cast<float>(y) + 0.5f;
  float over = 0;
  for (int i = 1; i <= 10; ++i) {
    px += dx;
    py += dy;
    const int ix = static_cast<int>(px), iy = static_cast<int>(py);
    if (px < 0 || py < 0 || ix >= surface.side || iy >= surface.side) break;
    const float above = surface.height[surface.at(ix, iy)] - (height + rise * static_cast<float>(i));
    over = std::max(over, above / static_cast<float>(i));
  }
  return 1 - clamp(over / (step * softness), 0, 1);
}

// Dark lines across the palmar side of the joints, nails on the other side.
class SkinColour {
 public:
  SkinColour(const Person& person, const Placed& placed) : person_(person), placed_(placed) {}

  Vec3 albedo(int index, Vec3 at, Vec3 normal, float mottle) const {
    const RoundCone& cone = placed_.cones[static_cast<size_t>(index)];
    if (cone.part == Part::sleeve) return sleeve(cone, at);
    if (cone.part == Part::band) return person_.band;
    if (cone.part == Part::ring) return {0.75f, 0.65f, 0.35f};
    Vec3 colour = person_.skin * (0.93f + 0.14f * mottle);
    if (person_.pale_palm > 0)
      colour = colour * (1 + person_.pale_palm * smoothstep(-0.4f, 0.5f, dot(normal, cone.palmar)));
    if (cone.part == Part::palm) return colour * palm_lines(at, normal);
    if (cone.part == Part::forearm) return colour;
    const Vec3 axis = cone.b - cone.a;
    const float along = clamp(dot(at - cone.a, axis) / std::max(1e-3f, dot(axis, axis)), -0.3f, 1.3f);
    const float palmar = dot(normal, cone.palmar);
    const bool tip = cone.part == Part::distal || cone.part == Part::thumb_distal;
    if (tip) {
      const float red = person_.ruddy * smoothstep(0.2f, 1.f, along);
      colour = {colour.x * (1 + 0.2f * red), colour.y * (1 - red), colour.z * (1 - red)};
      if (palmar < -0.72f && along > 0.35f) return person_.nail;
    }
    if (palmar > -0.2f && length(axis) > cone.radius_a) {
      const float line = 1 - clamp(std::fabs(along) * length(axis) / (placed_.millimetre * 1.6f), 0, 1);
      colour = colour * (1 - 0.4f * person_.crease * line * clamp(palmar + 0.3f, 0, 1));
    }
    return colour;
  }

 private:
  Vec3 sleeve(const RoundCone& cone, Vec3 at) const {
    if (person_.stripe <= 0) return person_.sleeve;
    const Vec3 axis = unit(cone.b - cone.a);
    const float along = dot(at - cone.a, axis) / (placed_.millimetre * person_.stripe);
    return along - std::floor(along) < 0.5f ? person_.sleeve : person_.stripes;
  }

  // The three great lines of the palm and the crease at the wrist, as parabolas in millimetres.
  float palm_lines(Vec3 at, Vec3 normal) const {
    const float facing = dot(normal, placed_.palm_z);
    if (facing < 0.3f) return 1;
    const Vec3 from = (at - placed_.palm_origin) * (1 / placed_.millimetre);
    const float x = dot(from, placed_.palm_x) * person_.palm_scale,
                y = dot(from, placed_.palm_y) * person_.palm_scale;
    auto near = [](float distance) { return clamp(1 - std::fabs(distance) / 1.8f, 0, 1); };
    float line = 0;
    if (x > -36 && x < 16) line = near(y - (60 + 0.006f * (x + 30) * (x + 30)));  // heart
    if (x > -28 && x < 30)
      line = std::max(line, near(y - (67 - 0.012f * (x - 30) * (x - 30) * 0.75f)));              // head
    if (y > 4 && y < 66) line = std::max(line, near(x - (-4 + 0.0098f * (y - 12) * (y - 12))));  // life
    line = std::max(line, 0.7f * near(y + 1 - 0.004f * x * x));                                  // wrist
    return 1 - 0.45f * person_.crease * line * clamp(2 * facing - 0.6f, 0, 1);
  }

  const Person& person_;
  const Placed& placed_;
};

}  // namespace

void cut_out(const Scene& scene, const Placed& placed, uint32_t pattern, Surface& surface) {
  if (!placed.cut.on) return;
  const float scale = 1 / (4 * placed.millimetre);
  const auto [at_x, at_y, at_z] = placed.cut.at;
  const Vec3 away = placed.cut.away;
  const float wave = 3 * placed.millimetre;
  for (int y = surface.top; y < surface.bottom; ++y) {
    for (int x = surface.left; x < surface.right; ++x) {
      const size_t at = surface.at(x, y);
      if (surface.height[at] <= nothing) continue;
      const auto px = static_cast<float>(x), py = static_cast<float>(y);
      const float beyond = (px - at_x) * away.x + (py - at_y) * away.y;
      const float rim = surface.normal[at].z;
      if (rim > scene.ragged && beyond < -wave) continue;
      const float noise = value_noise(px * scale, py * scale, pattern);
      if (rim < scene.ragged * noise * 1.4f || beyond > wave * (noise - 0.5f)) surface.height[at] = nothing;
    }
  }
}

void shade(const Person& person, const Scene& scene, const Placed& placed, const Surface& surface,
           ShadingScratch& scratch, std::vector<Vec3>& colour) {
  if (surface.left >= surface.right) return;
  const Light& light = scene.light;
  const float mm = placed.millimetre;
  const int width = surface.right - surface.left;
  float lowest = 1e9f;
  for (int y = surface.top; y < surface.bottom; ++y) {
    for (int x = surface.left; x < surface.right; ++x) {
      const float h = surface.height[surface.at(x, y)];
      if (h > nothing) lowest = std::min(lowest, h);
    }
  }
  box_blur(surface, std::max(1, static_cast<int>(3 * mm)), lowest, scratch, scratch.narrow);
  box_blur(surface, std::max(2, static_cast<int>(9 * mm)), lowest, scratch, scratch.wide);
  const SkinColour skin(person, placed);
  const Vec3 half = unit(light.direction + Vec3{0, 0, 1});
  const Vec3 back = unit(Vec3{-light.direction.x, -light.direction.y, 0.25f});
  const float wrap = 0.5f * light.softness;
  const float step = 3.2f * mm;
  const float flat = std::sqrt(light.direction.x * light.direction.x + light.direction.y * light.direction.y);
  const float middle = 0.5f * static_cast<float>(surface.side);
  const float per_sample = flat > 0.05f ? light.falloff / (flat * middle) : 0;
  for (int y = surface.top; y < surface.bottom; ++y) {
    for (int x = surface.left; x < surface.right; ++x) {
      const size_t at = surface.at(x, y);
      const float h = surface.height[at];
      if (h <= nothing) continue;
      const Vec3 n = surface.normal[at];
      const size_t blurred = static_cast<size_t>(y - surface.top) * width + (x - surface.left);
      const float deep = std::max(0.f, scratch.narrow[blurred] - h) / (3 * mm) +
                         std::max(0.f, scratch.wide[blurred] - h) / (9 * mm);
      const float open = 1 - std::min(light.occlusion * deep, 0.85f);
      const float facing = clamp((dot(n, light.direction) + wrap) / (1 + wrap), 0, 1);
      const float toward = ((static_cast<float>(x) - middle) * light.direction.x +
                            (static_cast<float>(y) - middle) * light.direction.y) *
                           per_sample;
      float direct = facing * std::max(0.05f, 1 + toward);
      if (direct > 0 && light.shadow > 0) {
        direct *=
            1 - light.shadow * (1 - lit(surface, x, y, h, light.direction, step, 0.4f + light.softness));
      }
      const float shine = clamp(dot(n, half), 0, 1);
      const float shine4 = shine * shine * shine * shine;
      const float gloss = light.gloss * shine4 * shine4 * shine4 * direct;
      const float fill = 0.5f + 0.5f * n.z;
      const float rim = clamp(dot(n, back), 0, 1);
      const float mottle =
          value_noise(static_cast<float>(x) / (7 * mm), static_cast<float>(y) / (7 * mm), 77u);
      const Vec3 a = skin.albedo(surface.cone[at],
                                 {static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f, h}, n, mottle);
      const float ambient = open * (0.35f + 0.65f * fill);
      const Vec3 total =
          light.ambient * ambient + light.key * (direct * (0.5f + 0.5f * open)) + light.rim * (rim * open);
      const float seen = 1 - light.limb * (1 - smoothstep(-0.1f, 0.8f, n.z));
      const Vec3 leaving = total * seen;
      colour[at] = {a.x * leaving.x + gloss * light.key.x, a.y * leaving.y + gloss * light.key.y,
                    a.z * leaving.z + gloss * light.key.z};
    }
  }
}

}  // namespace mudra::synth
