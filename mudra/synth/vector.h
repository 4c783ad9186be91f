// Small vectors, rotations and a sine for the hand model. Float arithmetic in a fixed order: the same
// bits on every machine.
#pragma once

#include <cmath>

namespace mudra::synth {

struct Vec3 {
  float x = 0, y = 0, z = 0;
};

inline Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vec3 operator*(Vec3 a, float s) { return {a.x * s, a.y * s, a.z * s}; }
inline Vec3 operator*(float s, Vec3 a) { return a * s; }
inline float dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 cross(Vec3 a, Vec3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(Vec3 a) { return std::sqrt(dot(a, a)); }
inline Vec3 unit(Vec3 a) {
  const float n = length(a);
  return n > 1e-12f ? a * (1 / n) : Vec3{0, 0, 1};
}
inline Vec3 mix(Vec3 a, Vec3 b, float t) { return a + (b - a) * t; }

inline float clamp(float x, float low, float high) { return x < low ? low : x > high ? high : x; }
inline float mix(float a, float b, float t) { return a + (b - a) * t; }
inline float smoothstep(float low, float high, float x) {
  const float t = clamp((x - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
}

struct SinCos {
  float sin, cos;
};

// Absolute error < 3e-6 for |radians| < 100: enough for a hand, and ten times as fast as the exact one.
inline SinCos sin_cos(float radians) {
  const float turns = std::floor(radians * 0.636619772f + 0.5f);
  const float r = (radians - turns * 1.5703125f) - turns * 4.83826794897e-4f;
  const float z = r * r;
  const float s = r + r * z * (-1.6666655e-1f + z * (8.3321609e-3f - z * 1.9515296e-4f));
  const float c = 1 - 0.5f * z + z * z * (4.1666457e-2f + z * (-1.3887316e-3f + z * 2.4433157e-5f));
  switch (static_cast<int>(turns) & 3) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

// A rotation by the images of the three axes.
struct Mat3 {
  Vec3 x{1, 0, 0}, y{0, 1, 0}, z{0, 0, 1};
};

inline Vec3 operator*(const Mat3& m, Vec3 v) { return m.x * v.x + m.y * v.y + m.z * v.z; }
inline Mat3 operator*(const Mat3& a, const Mat3& b) { return {a * b.x, a * b.y, a * b.z}; }

// Right-handed rotations about an axis; angles in radians.
inline Mat3 rotation_x(float angle) {
  const auto [s, c] = sin_cos(angle);
  return {{1, 0, 0}, {0, c, s}, {0, -s, c}};
}
inline Mat3 rotation_y(float angle) {
  const auto [s, c] = sin_cos(angle);
  return {{c, 0, -s}, {0, 1, 0}, {s, 0, c}};
}
inline Mat3 rotation_z(float angle) {
  const auto [s, c] = sin_cos(angle);
  return {{c, s, 0}, {-s, c, 0}, {0, 0, 1}};
}

inline constexpr float degrees = 0.01745329252f;  // 30 * degrees is an angle in radians

}  // namespace mudra::synth
