// Inverse kinematics: damped least squares on the few angles that bring the thumb to its target,
// staying near the pose that was drawn.
#include <array>

#include "mudra/synth/pose.h"

namespace mudra::synth {
namespace {

constexpr int most = 8;  // angles

// Where a digit's pad is: on the palmar side of the last phalanx, `along` of its length.
Vec3 pad(const Skeleton& bones, int digit, float along, float radius) {
  const int tip = digit == 0 ? thumb_joint + 3 : finger_joint(digit - 1) + 3;
  return mix(bones.joints[tip - 1], bones.joints[tip], along) + bones.frames[digit][2].z * radius;
}

// Solves the symmetric positive system a x = b of size n in place (Cholesky).
void solve(std::array<std::array<float, most>, most>& a, std::array<float, most>& b, int n) {
  for (int j = 0; j < n; ++j) {
    for (int k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(a[j][j] > 1e-9f ? a[j][j] : 1e-9f);
    for (int i = j + 1; i < n; ++i) {
      for (int k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (int i = n - 1; i >= 0; --i) {
    for (int k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
}

struct Angle {
  float* value;
  float give;  // how willingly it moves, radians
  float low, high;
};

// Gauss-Newton on |residual(angles)|^2 + |(angles - start) / give|^2.
template <class Residual>
void solve_angles(const Angle* angles, int n, const Residual& residual, int rounds) {
  std::array<float, most> start{};
  for (int i = 0; i < n; ++i) start[i] = *angles[i].value;
  for (int round = 0; round < rounds; ++round) {
    constexpr float h = 0.01f;
    const auto r = residual();
    constexpr size_t m = std::tuple_size_v<std::remove_cvref_t<decltype(r)>>;
    std::array<std::array<float, m>, most> slope{};
    for (int i = 0; i < n; ++i) {
      const float kept = *angles[i].value;
      *angles[i].value = kept + h;
      const auto moved = residual();
      *angles[i].value = kept;
      for (size_t k = 0; k < m; ++k) slope[i][k] = (moved[k] - r[k]) * (1 / h);
    }
    std::array<std::array<float, most>, most> normal{};
    std::array<float, most> step{};
    for (int i = 0; i < n; ++i) {
      const float stiff = 1 / (angles[i].give * angles[i].give);
      for (int j = 0; j <= i; ++j) {
        for (size_t k = 0; k < m; ++k) normal[i][j] += slope[i][k] * slope[j][k];
      }
      normal[i][i] += stiff + 1e-3f;
      for (size_t k = 0; k < m; ++k) step[i] -= slope[i][k] * r[k];
      step[i] += stiff * (start[i] - *angles[i].value);
    }
    solve(normal, step, n);
    for (int i = 0; i < n; ++i) {
      float& value = *angles[i].value;
      value = clamp(value + clamp(step[i], -0.5f, 0.5f), angles[i].low, angles[i].high);
    }
  }
}

}  // namespace

void touch_finger(const Anatomy& anatomy, int finger, float along, float gap, Pose& pose) {
  FingerPose& f = pose.fingers[finger];
  ThumbPose& t = pose.thumb;
  const Angle angles[] = {
      {&t.radial, 0.25f, -0.4f, 1.2f}, {&t.palmar, 0.4f, -0.2f, 1.25f},    {&t.roll, 0.3f, -1.6f, 1.2f},
      {&t.mcp, 0.4f, -0.2f, 1.1f},     {&t.ip, 0.4f, -0.25f, 1.3f},        {&f.mcp, 0.3f, -0.1f, 1.57f},
      {&f.pip, 0.3f, 0.f, 1.83f},      {&f.abduction, 0.08f, -0.4f, 0.4f},
  };
  Skeleton bones;
  const float finger_radius =
      mix(anatomy.fingers[finger].radius[2], anatomy.fingers[finger].radius[3], along);
  const float thumb_radius = anatomy.thumb_radius[3];
  auto residual = [&] {
    f.dip = clamp(0.62f * f.pip, 0, 1.3f);
    place_thumb(anatomy, t, bones);
    place_finger(anatomy, finger, f, bones);
    const Vec3 thumb = pad(bones, 0, 0.75f, thumb_radius + gap);
    const Vec3 d = thumb - pad(bones, finger + 1, along, finger_radius);
    const Vec3 face = (bones.frames[0][2].z + bones.frames[finger + 1][2].z) * 1.6f;
    return std::array<float, 6>{d.x, d.y, d.z, face.x, face.y, face.z};
  };
  solve_angles(angles, 8, residual, 6);
  f.dip = clamp(0.62f * f.pip, 0, 1.3f);
}

void touch_point(const Anatomy& anatomy, Vec3 target, Pose& pose) {
  ThumbPose& t = pose.thumb;
  const Angle angles[] = {
      {&t.radial, 0.3f, -0.5f, 1.2f}, {&t.palmar, 0.5f, -0.2f, 1.25f}, {&t.roll, 0.2f, -0.9f, 1.2f},
      {&t.mcp, 0.5f, -0.2f, 1.1f},    {&t.ip, 0.5f, -0.25f, 1.4f},
  };
  Skeleton bones;
  auto residual = [&] {
    place_thumb(anatomy, t, bones);
    const Vec3 d = pad(bones, 0, 0.7f, anatomy.thumb_radius[3]) - target;
    return std::array<float, 3>{d.x, d.y, d.z};
  };
  solve_angles(angles, 5, residual, 6);
}

}  // namespace mudra::synth
