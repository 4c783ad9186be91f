#include "mudra/synth/bystander.h"

#include <array>

#include "mudra/synth/draw.h"

namespace mudra::synth {
namespace {

struct Face {
  Vec3 skin, hair, lips, shirt;
  float eyes = 0.5f;  // how dark
  float beard = 0;    // how much of it
  float stripe = 0;   // of the shirt, in half heights of the head; 0: none
  Vec3 stripes;
  bool glasses = false;
};

enum Piece : uint8_t { torso, shoulders, neck, skull, nose, hair, arm };

// What is painted on the front of a head; x and y from its middle, in half heights, y down.
Vec3 face_colour(const Face& face, float x, float y) {
  const auto spot = [&](float cx, float cy, float rx, float ry) {
    const float u = (x - cx) / rx, v = (y - cy) / ry;
    return u * u + v * v < 1;
  };
  const float ax = x < 0 ? -x : x;
  if (spot(x < 0 ? -0.30f : 0.30f, -0.08f, 0.055f, 0.05f)) return face.skin * 0.08f;
  if (spot(x < 0 ? -0.30f : 0.30f, -0.08f, 0.13f, 0.055f))
    return mix(face.skin * 0.3f, grey(0.6f), face.eyes);
  if (face.glasses) {
    const float u = (ax - 0.31f) / 0.21f, v = (y + 0.07f) / 0.17f, r = u * u + v * v;
    if (r > 0.72f && r < 1.1f) return grey(0.03f);
  }
  if (spot(x < 0 ? -0.31f : 0.31f, -0.25f, 0.17f, 0.035f)) return mix(face.skin, face.hair, 0.8f);
  if (spot(0, 0.52f, 0.22f, 0.065f)) return face.lips;
  if (spot(ax < 0.08f ? ax : 0.08f, 0.27f, 0.035f, 0.025f)) return face.skin * 0.35f;
  if (face.beard > 0 && y > 0.3f && !spot(0, 0.5f, 0.27f, 0.11f))
    return mix(face.skin, face.hair, face.beard);
  return face.skin;
}

// The light that leaves a surface towards the viewer.
Vec3 leaving(Vec3 albedo, Vec3 n, const Light& light) {
  const float wrap = 0.5f * light.softness;
  const float facing = clamp((dot(n, light.direction) + wrap) / (1 + wrap), 0, 1);
  const float open = 0.6f + 0.4f * clamp(n.z, 0, 1);
  const Vec3 total = light.ambient * open + light.key * facing;
  return {albedo.x * total.x, albedo.y * total.y, albedo.z * total.z};
}

}  // namespace

void draw_bystander(Vec3 skin, const Light& light, float head, float x, float y, int side, Rng& rng,
                    Surface& surface, std::vector<Vec3>& pixels) {
  Face face;
  face.skin = skin;
  const Vec3 hairs[] = {
      grey(0.012f), {0.03f, 0.018f, 0.01f}, {0.09f, 0.05f, 0.025f}, {0.35f, 0.24f, 0.12f}, grey(0.35f)};
  face.hair = hairs[rng.below(std::size(hairs))] * uniform(rng, 0.6f, 1.4f);
  face.lips = {skin.x * 0.85f, skin.y * uniform(rng, 0.4f, 0.75f), skin.z * uniform(rng, 0.45f, 0.8f)};
  const float shirt = uniform(rng, 0.01f, 0.7f);
  face.shirt = {shirt * uniform(rng, 0.3f, 1), shirt * uniform(rng, 0.3f, 1), shirt * uniform(rng, 0.3f, 1)};
  if (rng.chance(0.35)) face.stripe = uniform(rng, 0.08f, 0.5f);
  face.stripes = face.shirt * uniform(rng, 0.2f, 2.5f);
  face.eyes = uniform(rng, 0, 1);
  if (rng.chance(0.3)) face.beard = uniform(rng, 0.2f, 0.9f);
  face.glasses = rng.chance(0.25);
  const bool bald = rng.chance(0.1), long_hair = rng.chance(0.35);
  const float look = clamp(normal(rng, 0, 0.35f), -0.8f, 0.8f), nod = normal(rng, 0, 0.12f);

  const auto scale = static_cast<float>(side);
  const float half = 0.5f * head * scale;  // of the head's height
  const Vec3 middle{x * scale, y * scale, 0};
  const SinCos lean = sin_cos(normal(rng, 0, 8) * degrees);
  const float lean_s = lean.sin, lean_c = lean.cos;
  const auto at = [&](float u, float v, float z) {  // in half heights, leaning
    return middle + Vec3{u * lean_c - v * lean_s, u * lean_s + v * lean_c, z} * half;
  };
  const float wide = uniform(rng, 0.62f, 0.74f);
  std::vector<RoundCone> cones;
  const auto add = [&](Vec3 a, Vec3 b, float ra, float rb, float blend, Piece piece) {
    RoundCone cone{a, b, ra * half, rb * half, blend * half};
    cone.digit = piece;
    cones.push_back(cone);
  };
  if (long_hair)
    add(at(0, -0.2f, -0.5f), at(0, 1.1f, -0.7f), wide * 1.2f, wide * uniform(rng, 0.9f, 1.3f), 0, hair);
  const float broad = uniform(rng, 1.35f, 1.75f);
  add(at(-broad * 0.55f, 2.6f, -0.5f), at(-broad * 0.4f, 6, -0.5f), 1.0f, 1.0f, 0, torso);
  add(at(broad * 0.55f, 2.6f, -0.5f), at(broad * 0.4f, 6, -0.5f), 1.0f, 1.0f, 0.5f, torso);
  add(at(-broad, 2.1f, -0.5f), at(broad, 2.1f, -0.5f), 0.48f, 0.48f, 0.5f, shoulders);
  for (const float s : {-1.f, 1.f})
    if (rng.chance(0.7))
      add(at(s * broad, 2.1f, -0.4f), at(s * broad * uniform(rng, 1, 1.4f), 5, uniform(rng, -0.8f, 0.6f)),
          0.46f, 0.36f, 0.1f, arm);
  add(at(0, 0.4f, -0.3f), at(0, 1.75f, -0.4f), 0.42f, 0.45f, 0.1f, neck);
  add(at(0, -0.34f, 0), at(0, 0.05f, 0), wide, wide, 0, skull);
  add(at(0, 0.05f, 0.05f), at(0, 0.62f, 0.08f), wide * 0.93f, wide * 0.6f, 0.25f, skull);
  add(at(look * 0.5f, -0.08f, 0.62f), at(look * 0.62f, 0.2f, 0.74f), 0.07f, 0.12f, 0.12f, nose);
  if (!bald)
    add(at(-0.2f * look, -0.5f, -0.25f), at(-0.2f * look, -0.42f, -0.25f), wide * 1.14f, wide * 1.1f, 0,
        hair);
  surface.clear(side);
  raster(cones, surface);
  const float tall = wide + 0.34f;
  for (int py = surface.top; py < surface.bottom; ++py) {
    for (int px = surface.left; px < surface.right; ++px) {
      const size_t i = surface.at(px, py);
      if (surface.height[i] <= nothing) continue;
      const float dx = (static_cast<float>(px) + 0.5f - middle.x) / half,
                  dy = (static_cast<float>(py) + 0.5f - middle.y) / half;
      const float across = dx * lean_c + dy * lean_s, down = dy * lean_c - dx * lean_s;
      Vec3 albedo = face.shirt;
      switch (static_cast<Piece>(cones[surface.cone[i]].digit)) {
        case skull:
          albedo = face_colour(face, (across / wide - 0.75f * look) * 0.75f, down / tall * 1.15f - nod);
          break;
        case neck:
          albedo = face.skin * 0.8f;
          break;
        case nose:
          albedo = face.skin;
          break;
        case hair:
          albedo = face.hair;
          break;
        default:
          if (face.stripe > 0 && down / face.stripe - std::floor(down / face.stripe) < 0.5f)
            albedo = face.stripes;
          break;
      }
      pixels[i] = leaving(albedo, surface.normal[i], light);
    }
  }
}

void draw_things(int count, Vec3 skin, const Light& light, int side, Rng& rng, Surface& surface,
                 std::vector<Vec3>& pixels) {
  const auto scale = static_cast<float>(side);
  std::vector<RoundCone> cones;
  std::vector<Vec3> colours;
  std::vector<float> stripes;  // in samples; 0: none
  for (int thing = 0; thing < count; ++thing) {
    const float size = uniform(rng, 0.03f, 0.4f) * scale, thick = size * uniform(rng, 0.08f, 0.6f);
    const Vec3 at{uniform(rng, 0, 1) * scale, uniform(rng, 0, 1) * scale, uniform(rng, -1, 1) * scale};
    const float value = uniform(rng, 0.05f, 0.9f) * uniform(rng, 0.1f, 1);
    Vec3 colour{value * uniform(rng, 0.4f, 1), value * uniform(rng, 0.4f, 1), value * uniform(rng, 0.4f, 1)};
    if (rng.chance(0.2)) colour = skin * uniform(rng, 0.6f, 1.3f);
    const float stripe = rng.chance(0.2) ? size * uniform(rng, 0.03f, 0.2f) : 0;
    Vec3 from = at;
    const int bends = 1 + static_cast<int>(rng.below(3));  // of one piece, or bent once or twice
    for (int bend = 0; bend < bends; ++bend) {
      const auto [s, c] = sin_cos(uniform(rng, 0, 6.28f));
      const Vec3 to = from + Vec3{c, s, uniform(rng, -0.6f, 0.6f)} * (size / static_cast<float>(bends));
      cones.push_back(
          {from, to, thick * uniform(rng, 0.7f, 1.2f), thick * uniform(rng, 0.6f, 1.2f), thick * 0.3f});
      colours.push_back(colour);
      stripes.push_back(stripe);
      from = to;
    }
  }
  surface.clear(side);
  raster(cones, surface);
  for (int y = surface.top; y < surface.bottom; ++y) {
    for (int x = surface.left; x < surface.right; ++x) {
      const size_t i = surface.at(x, y);
      if (surface.height[i] <= nothing) continue;
      const size_t cone = surface.cone[i];
      Vec3 albedo = colours[cone];
      if (stripes[cone] > 0) {
        const float along = (static_cast<float>(x) + 0.4f * static_cast<float>(y)) / stripes[cone];
        if (along - std::floor(along) < 0.5f) albedo = albedo * 0.4f;
      }
      pixels[i] = leaving(albedo, surface.normal[i], light);
    }
  }
}

}  // namespace mudra::synth
