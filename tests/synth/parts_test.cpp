// The renderer's parts, each against its definition written another way.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mudra/synth/background.h"
#include "mudra/synth/camera.h"
#include "mudra/synth/hand_model.h"
#include "mudra/synth/pose.h"
#include "mudra/synth/raster.h"
#include "mudra/synth/vector.h"

namespace mudra::synth {
namespace {

Rng numbers(uint64_t seed) { return Rng(seed, Purpose::synth, 0, 0); }

TEST(SinCos, MatchesTheCLibraryWithin3InAMillion) {
  for (int i = -20000; i <= 20000; ++i) {
    const float x = static_cast<float>(i) * 0.005f;
    const auto [s, c] = sin_cos(x);
    ASSERT_NEAR(s, std::sin(static_cast<double>(x)), 3e-6) << x;
    ASSERT_NEAR(c, std::cos(static_cast<double>(x)), 3e-6) << x;
  }
}

// A round cone is the union of the spheres between its ends: 2,000 of them leave steps below 0.01 samples.
TEST(Raster, DrawsTheUnionOfAConesSpheres) {
  const RoundCone cones[] = {{{10, 14, 3}, {29, 22, 9}, 5, 3}, {{8, 30, 2}, {33, 9, -6}, 2, 7}};
  for (const RoundCone& cone : cones) {
    Surface surface;
    surface.clear(40);
    raster(std::span(&cone, 1), surface);
    int seen = 0;
    for (int y = 0; y < 40; ++y) {
      for (int x = 0; x < 40; ++x) {
        double highest = nothing;
        for (int i = 0; i <= 2000; ++i) {
          const float t = static_cast<float>(i) / 2000;
          const Vec3 centre = mix(cone.a, cone.b, t);
          const double radius = mix(cone.radius_a, cone.radius_b, t);
          const double dx = x + 0.5 - centre.x, dy = y + 0.5 - centre.y;
          const double h = radius * radius - dx * dx - dy * dy;
          if (h >= 0) highest = std::max(highest, centre.z + std::sqrt(h));
        }
        const float drawn = surface.height[surface.at(x, y)];
        if (highest <= nothing || drawn <= nothing) continue;  // the rim: compared by its area below
        ++seen;
        ASSERT_NEAR(drawn, highest, 0.02) << x << ' ' << y;
        ASSERT_NEAR(length(surface.normal[surface.at(x, y)]), 1, 1e-5);
      }
    }
    const auto drawn =
        std::count_if(surface.height.begin(), surface.height.end(), [](float h) { return h > nothing; });
    EXPECT_GT(seen, 80);
    EXPECT_NEAR(seen, static_cast<double>(drawn), 3);
  }
}

TEST(Raster, AConeSeenAlongItsAxisShowsItsEnds) {
  const RoundCone cone{{20, 20, 0}, {20, 20, 12}, 6, 4};
  Surface surface;
  surface.clear(40);
  raster(std::span(&cone, 1), surface);
  EXPECT_NEAR(surface.height[surface.at(20, 20)], 12 + std::sqrt(16 - 0.5), 1e-3);
  EXPECT_NEAR(surface.height[surface.at(24, 20)], std::sqrt(36 - 4.5 * 4.5 - 0.25), 1e-3);
  EXPECT_EQ(surface.height[surface.at(27, 20)], nothing);
}

TEST(Raster, TheHigherConeHidesTheLowerAndBlendedOnesMelt) {
  RoundCone cones[] = {{{10, 10, 0}, {10, 10, 0}, 8, 8}, {{10, 10, 6}, {10, 10, 6}, 3, 3}};
  Surface surface;
  for (const bool swapped : {false, true}) {
    if (swapped) std::swap(cones[0], cones[1]);
    surface.clear(20);
    raster(cones, surface);
    EXPECT_EQ(surface.cone[surface.at(10, 10)], swapped ? 0 : 1);
    EXPECT_EQ(surface.cone[surface.at(15, 10)], swapped ? 1 : 0);
  }
  // Two equal heights a blend b apart from melting lie b/4 higher.
  RoundCone pair[] = {{{7, 10, 0}, {7, 10, 0}, 6, 6}, {{14, 10, 0}, {14, 10, 0}, 6, 6, 2}};
  surface.clear(20);
  raster(pair, surface);
  const double alone = std::sqrt(36 - 3.5 * 3.5 - 0.25);
  EXPECT_NEAR(surface.height[surface.at(10, 10)], alone + 0.5, 1e-3);
  EXPECT_EQ(surface.cone[surface.at(9, 10)], 0);
  EXPECT_EQ(surface.cone[surface.at(11, 10)], 1);
}

TEST(Anatomy, FingersHaveTheLengthsOfTheTable) {
  // Mean and deviation in mm beyond the palm, which covers the first 18, 18.9, 18 and 15.3 of a mean hand.
  constexpr double mean[] = {63.9, 70.7, 65.5, 53.3}, deviation[] = {4.1, 5.2, 4.8, 4.3};
  constexpr double covered[] = {18, 18.9, 18, 15.3};
  Rng rng = numbers(3);
  double sum[4] = {}, squares[4] = {};
  constexpr int people = 4000;
  for (int i = 0; i < people; ++i) {
    const Anatomy hand = draw_anatomy(rng);
    for (int f = 0; f < 4; ++f) {
      const FingerBones& bones = hand.fingers[f];
      const double visible =
          bones.length[0] + bones.length[1] + bones.length[2] + bones.radius[3] - covered[f];
      sum[f] += visible;
      squares[f] += visible * visible;
    }
  }
  for (int f = 0; f < 4; ++f) {
    EXPECT_NEAR(sum[f] / people, mean[f], 0.4) << f;
    // The palm a finger stands on varies as well.
    EXPECT_NEAR(std::sqrt(squares[f] / people - std::pow(sum[f] / people, 2)), deviation[f], 1.2) << f;
  }
}

// Where the thumb's pad is in another pose that is not far, it can go.
TEST(Contact, TheThumbReachesAPointWithinItsReach) {
  Rng rng = numbers(5);
  int reached = 0;
  for (int i = 0; i < 200; ++i) {
    const Anatomy hand = draw_anatomy(rng);
    const auto pad = [&](const ThumbPose& pose) {
      Skeleton bones;
      place_thumb(hand, pose, bones);
      return mix(bones.joints[thumb_joint + 2], bones.joints[thumb_joint + 3], 0.7f) +
             bones.frames[0][2].z * hand.thumb_radius[3];
    };
    const auto near = [&](float angle) { return angle + 0.2f * static_cast<float>(rng.uniform() - 0.5); };
    const Vec3 target = pad({near(0.6f), near(0.6f), near(0), near(0.4f), near(0.4f)});
    Pose pose;
    pose.thumb = {0.5f, 0.5f, 0, 0.3f, 0.3f};
    touch_point(hand, target, pose);
    reached += length(pad(pose.thumb) - target) < 1;
  }
  EXPECT_GT(reached, 190);
}

// The pads of thumb and finger, and the gap that was asked for, in millimetres.
TEST(Contact, ThumbAndFingerMeetPadToPad) {
  Rng rng = numbers(6);
  int met = 0, all = 0;
  for (int i = 0; i < 100; ++i) {
    const Anatomy hand = draw_anatomy(rng);
    for (int finger = 0; finger < 4; ++finger) {
      Pose pose;
      pose.thumb = {0.4f, 0.7f, 0, 0.4f, 0.3f};
      pose.fingers[finger] = {0, 0.8f, 1.1f, 0.7f};
      touch_finger(hand, finger, 0.6f, 0, pose);
      const Skeleton bones = place_bones(hand, pose);
      auto pad = [&](int digit, int tip, float along, float radius) {
        return mix(bones.joints[tip - 1], bones.joints[tip], along) + bones.frames[digit][2].z * radius;
      };
      const float radius = mix(hand.fingers[finger].radius[2], hand.fingers[finger].radius[3], 0.6f);
      const Vec3 gap = pad(0, thumb_joint + 3, 0.75f, hand.thumb_radius[3]) -
                       pad(finger + 1, finger_joint(finger) + 3, 0.6f, radius);
      ++all;
      met += length(gap) < 3;
    }
  }
  EXPECT_GT(met, 0.95 * all);
}

struct Picture {
  int side = 32;
  std::vector<Vec3> light;
  std::vector<uint8_t> mask, bytes;
  explicit Picture(float value) : light(1024, Vec3{value, value, value}), mask(1024, 0), bytes(1024) {}
  void take(const Camera& camera, uint64_t seed = 1) {
    Rng rng = numbers(seed);
    photograph(camera, side, 1, mask, rng, light, bytes.data());
  }
};

Camera plain() {
  Camera camera;
  camera.blur = camera.noise = 0;
  return camera;
}

TEST(Photograph, RaisesLightToOneOverGamma) {
  for (const float gamma : {1.f, 1.8f, 2.2f}) {
    for (const float value : {0.f, 0.02f, 0.2f, 0.5f, 1.f, 3.f}) {
      Picture picture(value);
      Camera camera = plain();
      camera.gamma = gamma;
      camera.exposure = 0.8f;
      picture.take(camera);
      EXPECT_NEAR(picture.bytes[100], 255 * std::pow(std::min(1.f, 0.8f * value), 1 / gamma), 1.5)
          << gamma << ' ' << value;
    }
  }
}

TEST(Photograph, ExposesTheFrameOrTheHandToItsTarget) {
  for (const bool of_hand : {false, true}) {
    Picture picture(0.3f);
    for (int i = 0; i < 512; ++i) picture.light[static_cast<size_t>(i)] = {0.1f, 0.1f, 0.1f};
    for (int i = 0; i < 512; ++i) picture.mask[static_cast<size_t>(i)] = 255;
    Camera camera = plain();
    camera.target = 0.5f;
    camera.of_hand = of_hand;
    picture.take(camera);
    // Linear light is averaged: the darker half alone, or (0.1 + 0.3) / 2.
    const double gain = std::pow(0.5, 2.2) / (of_hand ? 0.1 : 0.2);
    EXPECT_NEAR(picture.bytes[0], 255 * std::pow(0.1 * gain, 1 / 2.2), 2);
    EXPECT_NEAR(picture.bytes[1000], 255 * std::pow(0.3 * gain, 1 / 2.2), 2);
  }
}

TEST(Photograph, VignetteDarkensTheCornersAndNotTheMiddle) {
  Picture picture(0.5f);
  Camera camera = plain();
  camera.vignette = 0.6f;
  picture.take(camera);
  const double middle = 255 * std::pow(0.5, 1 / 2.2),
               corner = 255 * std::pow(0.5 * (1 - 0.6 * 0.939), 1 / 2.2);
  EXPECT_NEAR(picture.bytes[16 * 32 + 16], middle, 1.5);
  for (const size_t at : {0, 31, 31 * 32, 1023}) EXPECT_NEAR(picture.bytes[at], corner, 2);
}

TEST(Photograph, NoiseHasItsDeviationAndLeavesBlackAlone) {
  Picture picture(0.5f), black(0);
  Camera camera = plain();
  camera.noise = 0.05f;
  picture.take(camera);
  black.take(camera);
  double sum = 0, squares = 0;
  for (const uint8_t byte : picture.bytes) {
    sum += byte;
    squares += byte * byte;
  }
  const double mean = sum / 1024;
  EXPECT_NEAR(mean, 255 * std::pow(0.5, 1 / 2.2), 2);
  EXPECT_NEAR(std::sqrt(squares / 1024 - mean * mean), 0.05 * 255, 1.2);
  EXPECT_EQ(*std::max_element(black.bytes.begin(), black.bytes.end()), 0);
}

TEST(Photograph, BlurSpreadsAPointAndKeepsItsLight) {
  Picture picture(0);
  picture.light[16 * 32 + 16] = {1, 1, 1};
  Camera camera = plain();
  camera.gamma = 1;
  camera.blur = 0.8f;  // weights 0.2, 0.6, 0.2 each way
  picture.take(camera);
  EXPECT_NEAR(picture.bytes[16 * 32 + 16], 255 * 0.36, 1);
  EXPECT_NEAR(picture.bytes[16 * 32 + 17], 255 * 0.12, 1);
  EXPECT_NEAR(picture.bytes[15 * 32 + 15], 255 * 0.04, 1);
  EXPECT_EQ(picture.bytes[16 * 32 + 18], 0);
}

TEST(Photograph, SharpeningAndJpegLeaveAnEvenPictureAndChangeAnEdge) {
  for (const bool edge : {false, true}) {
    for (const int what : {0, 1}) {
      Picture before(0.4f), after(0.4f);
      for (int i = 0; edge && i < 1024; ++i) {
        if (i % 32 < 13)
          before.light[static_cast<size_t>(i)] = after.light[static_cast<size_t>(i)] = {0.1f, 0.1f, 0.1f};
      }
      Camera camera = plain();
      before.take(camera);
      (what == 0 ? camera.sharpen : camera.jpeg) = what == 0 ? 0.8f : 1.f;
      after.take(camera);
      int most = 0;
      for (size_t i = 0; i < 1024; ++i) most = std::max(most, std::abs(before.bytes[i] - after.bytes[i]));
      EXPECT_EQ(most > 1, edge) << what << ' ' << most;
      if (edge && what == 0) {  // overshoot on both sides of it
        EXPECT_LT(after.bytes[16 * 32 + 12], before.bytes[16 * 32 + 12] - 10);
        EXPECT_GT(after.bytes[16 * 32 + 13], before.bytes[16 * 32 + 13] + 10);
      }
    }
  }
}

TEST(CastShadow, IsTheMaskMovedAwayFromTheLightAndBoxBlurred) {
  constexpr int side = 42;
  Rng rng = numbers(9);
  std::vector<uint8_t> mask(side * side);
  for (int i = 0; i < side * side; ++i)
    mask[static_cast<size_t>(i)] = i / side > 12 && i % side > 20 ? 255 : rng.below(2) * 90;
  Light light;
  light.direction = {0.8f, -0.6f, 0.5f};
  light.cast = 0.5f;
  std::vector<Vec3> pixels(side * side, Vec3{1, 1, 1});
  cast_shadow(light, side, mask, pixels);
  constexpr int reach = side / 14, dx = -2, dy = 1;  // 0.06 of the side, towards zero
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      double sum = 0;
      for (int v = y - reach - dy; v <= y + reach - dy; ++v) {
        for (int u = x - reach - dx; u <= x + reach - dx; ++u) {
          if (u >= 0 && v >= 0 && u < side && v < side) sum += mask[static_cast<size_t>(v * side + u)];
        }
      }
      const double share = sum / (255.0 * (2 * reach + 1) * (2 * reach + 1));
      ASSERT_NEAR(pixels[static_cast<size_t>(y * side + x)].x, 1 - 0.5 * share, 1e-4) << x << ' ' << y;
    }
  }
}

// Two fingers with a gap of two pixels: what is left of the wall lies in the gap and along the rim, nowhere
// else.
TEST(LeaveWall, StaysNearTheHandAndFirstBetweenFingers) {
  constexpr int side = 42;
  std::vector<uint8_t> mask(side * side);
  for (int y = 8; y < 34; ++y) {
    for (int x = 12; x < 28; ++x) mask[static_cast<size_t>(y * side + x)] = x == 19 || x == 20 ? 0 : 255;
  }
  int gap = 0, rim = 0;
  for (uint64_t i = 0; i < 100; ++i) {
    Rng rng = numbers(20 + i);
    std::vector<Vec3> pixels(side * side);
    leave_wall(0.4f, side, mask, rng, pixels);
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const float value = pixels[static_cast<size_t>(y * side + x)].x;
        ASSERT_TRUE(value == 0 || value == 0.4f);
        const bool near = x >= 12 - 3 && x < 28 + 3 && y >= 8 - 3 && y < 34 + 3;
        if (!near) {
          ASSERT_EQ(value, 0) << x << ' ' << y;
        }
        if (y != 20) continue;
        gap += x == 19 && value > 0;
        rim += x == 11 && value > 0;
      }
    }
  }
  EXPECT_GT(gap, 40);
  EXPECT_LT(rim, gap);
  EXPECT_GT(rim, 5);
}

}  // namespace
}  // namespace mudra::synth
