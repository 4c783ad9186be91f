#include "mudra/synth/raster.h"

#include <algorithm>
#include <cassert>

namespace mudra::synth {
namespace {

// Ray along the viewing direction against one round cone, its larger part prepared once.
// After "rounded cone - intersection", Inigo Quilez.
class ConeSolver {
 public:
  explicit ConeSolver(const RoundCone& cone) : a_(cone.a), ra_(cone.radius_a), rb_(cone.radius_b) {
    ba_ = cone.b - cone.a;
    const float rr = ra_ - rb_;
    m0_ = dot(ba_, ba_);
    d2_ = m0_ - rr * rr;
    shift_ = rr * ra_;
    k2_ = d2_ - ba_.z * ba_.z;
    // Seen along its axis (or one end inside the other) only the ends show.
    body_ = d2_ > 1e-4f * m0_ && k2_ > 1e-4f * m0_;
    inverse_k2_ = body_ ? 1 / k2_ : 0;
  }

  // Height above a's at (x, y) relative to a; false when the ray misses.
  bool hit(float x, float y, float& height, Vec3& normal) const {
    if (!body_) return hit_ends(x, y, height, normal);
    const float m1 = ba_.x * x + ba_.y * y;
    const float k1 = ba_.z * (m1 - shift_);
    const float k0 = d2_ * (x * x + y * y) - m1 * m1 + 2 * m1 * shift_ - m0_ * ra_ * ra_;
    const float h = k1 * k1 - k0 * k2_;
    if (h < 0) return false;
    const float z = (std::sqrt(h) + k1) * inverse_k2_;
    const float along = m1 - shift_ + z * ba_.z;
    if (along <= 0) return sphere({x, y, 0}, ra_, 0, height, normal);
    if (along >= d2_) return sphere({x - ba_.x, y - ba_.y, 0}, rb_, ba_.z, height, normal);
    height = z;
    normal = Vec3{d2_ * x - ba_.x * along, d2_ * y - ba_.y * along, d2_ * z - ba_.z * along};
    return true;
  }

 private:
  static bool sphere(Vec3 from, float radius, float centre, float& height, Vec3& normal) {
    const float h = radius * radius - from.x * from.x - from.y * from.y;
    if (h < 0) return false;
    const float z = std::sqrt(h);
    height = centre + z;
    normal = {from.x, from.y, z};
    return true;
  }

  bool hit_ends(float x, float y, float& height, Vec3& normal) const {
    float other_height = nothing;
    Vec3 other_normal;
    const bool first = sphere({x, y, 0}, ra_, 0, height, normal);
    const bool second = sphere({x - ba_.x, y - ba_.y, 0}, rb_, ba_.z, other_height, other_normal);
    if (second && (!first || other_height > height)) {
      height = other_height;
      normal = other_normal;
    }
    return first || second;
  }

  Vec3 a_, ba_;
  float ra_, rb_, m0_, d2_, shift_, k2_, inverse_k2_;
  bool body_;
};

}  // namespace

void Surface::clear(int new_side) {
  side = new_side;
  const size_t count = static_cast<size_t>(side) * side;
  height.assign(count, nothing);
  normal.resize(count);
  cone.resize(count);
  top = left = side;
  bottom = right = 0;
}

void raster(std::span<const RoundCone> cones, Surface& surface) {
  assert(cones.size() <= 255);
  for (size_t index = 0; index < cones.size(); ++index) {
    const RoundCone& cone = cones[index];
    const ConeSolver solver(cone);
    // Samples lie at whole numbers plus one half.
    auto low = [](float a, float b) { return static_cast<int>(clamp(std::floor(std::min(a, b)), -1, 1e5f)); };
    auto high = [](float a, float b) { return static_cast<int>(clamp(std::ceil(std::max(a, b)), -1, 1e5f)); };
    const int x0 = std::max(0, low(cone.a.x - cone.radius_a, cone.b.x - cone.radius_b));
    const int y0 = std::max(0, low(cone.a.y - cone.radius_a, cone.b.y - cone.radius_b));
    const int x1 = std::min(surface.side, high(cone.a.x + cone.radius_a, cone.b.x + cone.radius_b));
    const int y1 = std::min(surface.side, high(cone.a.y + cone.radius_a, cone.b.y + cone.radius_b));
    if (x0 >= x1 || y0 >= y1) continue;
    surface.left = std::min(surface.left, x0);
    surface.right = std::max(surface.right, x1);
    surface.top = std::min(surface.top, y0);
    surface.bottom = std::max(surface.bottom, y1);
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        float z;
        Vec3 n;
        if (!solver.hit(static_cast<float>(x) + 0.5f - cone.a.x, static_cast<float>(y) + 0.5f - cone.a.y, z,
                        n)) {
          continue;
        }
        z += cone.a.z;
        const size_t at = surface.at(x, y);
        const float before = surface.height[at];
        const float above = z - before;
        if (above <= -cone.blend) continue;
        n = unit(n);
        if (above >= cone.blend) {
          surface.height[at] = z;
          surface.normal[at] = n;
          surface.cone[at] = static_cast<uint8_t>(index);
          continue;
        }
        // Polynomial smooth maximum.
        const float weight = 0.5f + 0.5f * above / cone.blend;
        const float over = cone.blend - std::fabs(above);
        surface.height[at] = std::max(z, before) + over * over / (4 * cone.blend);
        surface.normal[at] = unit(mix(surface.normal[at], n, weight));
        if (above > 0) surface.cone[at] = static_cast<uint8_t>(index);
      }
    }
  }
}

}  // namespace mudra::synth
