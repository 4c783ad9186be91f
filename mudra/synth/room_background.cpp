#include "mudra/synth/room_background.h"

#include <algorithm>

#include "mudra/core/portable_math.h"
#include "mudra/synth/draw.h"
#include "mudra/synth/noise.h"

namespace mudra::synth {
namespace {

float part(float x) { return x - std::floor(x); }

float random_of(float cell, float row, uint32_t pattern) {
  return static_cast<float>(hash(static_cast<uint32_t>(static_cast<int32_t>(std::floor(cell))),
                                 static_cast<uint32_t>(static_cast<int32_t>(std::floor(row))), pattern) >>
                            8) *
         0x1p-24f;
}

// A colour as things in rooms have: mostly dull, of any brightness.
Vec3 paint_colour(Rng& rng, Vec3 skin) {
  if (rng.chance(0.1)) return skin * uniform(rng, 0.6f, 1.4f);
  const float value = static_cast<float>(portable::exp(static_cast<double>(uniform(rng, -3.7f, -0.15f))));
  const float dull = rng.chance(0.65) ? 0.15f : 0.8f;
  Vec3 colour{value * uniform(rng, 1 - dull, 1), value * uniform(rng, 1 - dull, 1),
              value * uniform(rng, 1 - dull, 1)};
  if (rng.chance(0.3)) colour = {colour.x, colour.y * 0.75f, colour.z * 0.5f};  // wood, paper, cardboard
  return colour;
}

enum class Texture { plain, folds, slats, tiles, bricks, books, wood, leaves, keys, writing, plaid, speckle };

// One kind of surface; p, q in its own units, x, y those of the picture.
struct Material {
  Texture texture = Texture::plain;
  Vec3 a, b;
  uint32_t pattern = 0;
  float c = 1, s = 0, scale = 6, ratio = 1, depth = 0.3f, blotch = 0;
  float dx = 0, dy = 0;  // how its brightness changes over the picture
  float off_x = 0, off_y = 0;

  Vec3 colour(float x, float y) const {
    const float u = x - off_x, v = y - off_y;
    const float p = (u * c + v * s) * scale, q = (v * c - u * s) * scale * ratio;
    Vec3 colour = a;
    float k = 1;
    switch (texture) {
      case Texture::plain:
        break;
      case Texture::folds: {
        const float fold =
            value_noise(p, 0.15f * q, pattern) + 0.5f * value_noise(2.3f * p, 0.2f * q, pattern + 1);
        k = 1 - depth + depth * 1.3f * fold;
        break;
      }
      case Texture::slats:
        k = part(q) < 0.18f ? 1 - depth : 0.85f + 0.3f * part(q);
        break;
      case Texture::tiles: {
        const float fp = part(p), fq = part(q);
        if (fp < 0.06f || fq < 0.06f) return b;
        k = 1 + depth * (random_of(p, q, pattern) - 0.5f);
        break;
      }
      case Texture::bricks: {
        const float row = std::floor(q), shifted = p * 0.5f + 0.5f * part(row * 0.5f) * 2;
        if (part(q) < 0.12f || part(shifted) < 0.06f) return b;
        k = 1 + 1.3f * depth * (random_of(shifted, q, pattern) - 0.5f);
        break;
      }
      case Texture::books: {
        const float shelf = part(q * 0.35f);
        const float row = std::floor(q * 0.35f);
        if (shelf > 0.9f) return b;
        const float wide = p * (2 + 2 * random_of(std::floor(p), row, pattern));
        const float tall = 0.12f + 0.35f * random_of(wide, row, pattern + 1);
        if (shelf < tall) return b * 0.25f;
        if (part(wide) < 0.08f) return b * 0.2f;
        return {0.02f + 0.7f * random_of(wide, row, pattern + 2) * random_of(wide, row, pattern + 5),
                0.02f + 0.6f * random_of(wide, row, pattern + 3) * random_of(wide, row, pattern + 5),
                0.02f + 0.5f * random_of(wide, row, pattern + 4) * random_of(wide, row, pattern + 5)};
      }
      case Texture::wood:
        k = 1 - depth + 2 * depth * value_noise(p * 0.4f, q * 5, pattern);
        break;
      case Texture::leaves: {
        const float n = value_noise(p, q, pattern) + 0.6f * value_noise(2.2f * p, 2.2f * q, pattern + 1);
        return mix(b * 0.3f, a, smoothstep(0.6f, 1.1f, n));
      }
      case Texture::keys: {
        const float fp = part(p), fq = part(q);
        if (fp < 0.15f || fq < 0.15f) return b;
        k = 0.8f + 0.4f * fq;
        break;
      }
      case Texture::writing: {
        const bool line =
            part(q) < 0.45f && random_of(p * 4, q, pattern) < 0.72f && random_of(0, q, pattern + 1) < 0.85f;
        if (line) return b;
        break;
      }
      case Texture::plaid: {
        const float t = (part(p) < 0.5f ? 0.5f : 0.f) + (part(q) < 0.5f ? 0.5f : 0.f);
        colour = mix(a, b, t);
        break;
      }
      case Texture::speckle:
        k = 1 + depth * 2 * (value_noise(p * 3, q * 3, pattern) - 0.5f);
        break;
    }
    k *= 1 + blotch * (value_noise(x * 3, y * 3, pattern + 9) - 0.5f);
    k *= std::max(0.1f, 1 + dx * (x - 0.5f) + dy * (y - 0.5f));
    return colour * k;
  }
};

Material draw_material(Rng& rng, Vec3 skin, bool wall) {
  Material m;
  const double plain = wall ? 0.55 : 0.35;
  m.texture = rng.chance(plain) ? Texture::plain : static_cast<Texture>(1 + rng.below(11));
  m.a = paint_colour(rng, skin);
  if (wall && rng.chance(0.6)) m.a = grey(uniform(rng, 0.25f, 0.9f)) * 0.9f + m.a * 0.1f;
  m.b = rng.chance(0.5) ? m.a * uniform(rng, 0.3f, 1.7f) : paint_colour(rng, skin);
  m.pattern = rng.bits();
  const auto [s, c] = sin_cos(normal(rng, 0, 9) * degrees + (rng.chance(0.12) ? 1.5708f : 0.f));
  m.s = s;
  m.c = c;
  m.scale = static_cast<float>(portable::exp(static_cast<double>(uniform(rng, 0.7f, 3.2f))));
  m.ratio = uniform(rng, 0.6f, 1.6f);
  m.depth = uniform(rng, 0.08f, 0.7f);
  m.blotch = rng.chance(0.5) ? uniform(rng, 0, 0.35f) : 0;
  m.dx = normal(rng, 0, 0.35f);
  m.dy = normal(rng, 0, 0.35f);
  m.off_x = uniform(rng, 0, 1);
  m.off_y = uniform(rng, 0, 1);
  return m;
}

// Where a material shows: beyond a line, in a rectangle, or in a disc.
struct Region {
  int kind = 0;  // 0 everywhere, 1 beyond a line, 2 a rectangle, 3 an ellipse
  float x = 0.5f, y = 0.5f, c = 1, s = 0, w = 1, h = 1;

  bool has(float u, float v) const {
    const float p = (u - x) * c + (v - y) * s, q = (v - y) * c - (u - x) * s;
    switch (kind) {
      case 1:
        return q > 0;
      case 2:
        return std::fabs(p) < w && std::fabs(q) < h;
      case 3:
        return p * p * h * h + q * q * w * w < w * w * h * h;
      default:
        return true;
    }
  }
};

Region draw_region(Rng& rng) {
  Region r;
  const float kind = uniform(rng, 0, 1);
  r.kind = kind < 0.3f ? 1 : kind < 0.85f ? 2 : 3;
  r.x = uniform(rng, 0, 1);
  r.y = uniform(rng, 0, 1);
  const float turn = r.kind == 1 ? (rng.chance(0.4)   ? 1.5708f
                                    : rng.chance(0.5) ? 0.f
                                                      : 3.1416f) +
                                       normal(rng, 0, 0.12f)
                                 : normal(rng, 0, rng.chance(0.75) ? 0.08f : 0.8f);
  const auto [s, c] = sin_cos(turn);
  r.s = s;
  r.c = c;
  r.w = static_cast<float>(portable::exp(static_cast<double>(uniform(rng, -3.5f, -0.9f))));
  r.h = static_cast<float>(portable::exp(static_cast<double>(uniform(rng, -3.5f, -0.9f))));
  return r;
}

template <class Colour>
void paint(int side, const Region& region, std::vector<Vec3>& pixels, const Colour& colour) {
  const float step = 1 / static_cast<float>(side);
  size_t at = 0;
  for (int y = 0; y < side; ++y) {
    const float v = (static_cast<float>(y) + 0.5f) * step;
    for (int x = 0; x < side; ++x, ++at) {
      const float u = (static_cast<float>(x) + 0.5f) * step;
      if (region.has(u, v)) pixels[at] = colour(u, v);
    }
  }
}

// A window that burns out, or a lamp with its glow.
void draw_source(Vec3 colour, int side, Rng& rng, std::vector<Vec3>& pixels) {
  const float power = static_cast<float>(portable::exp(static_cast<double>(uniform(rng, 0, 2.2f))));
  if (rng.chance(0.6)) {
    Region window = draw_region(rng);
    window.kind = 2;
    window.w = uniform(rng, 0.08f, 0.4f);
    window.h = uniform(rng, 0.1f, 0.5f);
    const float bars = static_cast<float>(1 + rng.below(4)), sky = uniform(rng, 0.3f, 1);
    const uint32_t pattern = rng.bits();
    const bool view = rng.chance(0.5);
    paint(side, window, pixels, [&](float u, float v) {
      const float p = part((u - window.x + window.w) / (2 * window.w) * bars);
      if (p < 0.05f * bars) return colour * 0.15f;
      const float n = view ? value_noise(u * 9, v * 9, pattern) : 1;
      return colour * (power * mix(n, 1, sky));
    });
    return;
  }
  const float x = uniform(rng, 0, 1), y = uniform(rng, 0, 0.7f), radius = uniform(rng, 0.02f, 0.12f);
  const float glow = uniform(rng, 0.02f, 0.3f);
  const float step = 1 / static_cast<float>(side);
  for (size_t at = 0; at < pixels.size(); ++at) {
    const size_t column = at % side, row = at / side;
    const float dx = (static_cast<float>(column) + 0.5f) * step - x,
                dy = (static_cast<float>(row) + 0.5f) * step - y;
    const float d = dx * dx + dy * dy;
    pixels[at] = d < radius * radius
                     ? colour * power
                     : pixels[at] + colour * (power * glow * radius * radius / (d + radius * radius));
  }
}

}  // namespace

void draw_room(const Light& light, Vec3 skin, int side, Rng& rng, std::vector<Vec3>& pixels) {
  pixels.resize(static_cast<size_t>(side) * side);
  const Material wall = draw_material(rng, skin, true);
  paint(side, Region{}, pixels, [&](float u, float v) { return wall.colour(u, v); });
  const float busy = uniform(rng, 0, 1);
  const int things = busy < 0.3f   ? 0
                     : busy < 0.6f ? 1 + static_cast<int>(rng.below(3))
                                   : 3 + static_cast<int>(rng.below(10));
  for (int i = 0; i < things; ++i) {
    const Material thing = draw_material(rng, skin, false);
    paint(side, draw_region(rng), pixels, [&](float u, float v) { return thing.colour(u, v); });
  }
  // The room is lit otherwise than the hand, by as much as eight times.
  const float level = static_cast<float>(portable::exp(static_cast<double>(normal(rng, 0, 0.55f))));
  const Vec3 lit = (light.ambient + light.key * 0.45f) * level;
  for (Vec3& pixel : pixels) pixel = {pixel.x * lit.x, pixel.y * lit.y, pixel.z * lit.z};
  if (rng.chance(0.22)) draw_source(light.key * 1.2f + light.ambient, side, rng, pixels);
}

}  // namespace mudra::synth
