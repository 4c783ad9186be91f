// What light makes of simple bodies: balls of one colour in a frame of 40 x 40 samples.
#include "mudra/synth/shading.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mudra::synth {
namespace {

struct Still {
  Person person;
  Scene scene;
  Placed placed;
  Surface surface;
  ShadingScratch scratch;
  std::vector<Vec3> colour;

  explicit Still(std::vector<RoundCone> cones) {
    person.skin = {0.5f, 0.5f, 0.5f};
    person.ruddy = 0;
    placed.cones = std::move(cones);
    surface.clear(40);
    raster(placed.cones, surface);
    colour.resize(1600);
    scene.light = {.direction = {0, 0, 1},
                   .key = {1, 1, 1},
                   .ambient = {0.2f, 0.2f, 0.2f},
                   .softness = 0,
                   .occlusion = 0,
                   .shadow = 0,
                   .gloss = 0,
                   .limb = 0};
  }
  float at(int x, int y) {
    shade(person, scene, placed, surface, scratch, colour);
    return colour[surface.at(x, y)].y;
  }
};

RoundCone ball(float x, float y, float z, float radius) { return {{x, y, z}, {x, y, z}, radius, radius}; }

TEST(Shade, FollowsTheCosineOfTheLightsAngle) {
  Still still({ball(20, 20, 0, 15)});
  still.scene.light.direction = unit({-0.8f, 0.3f, 0.5f});
  still.at(20, 20);
  for (int y = 8; y < 33; y += 3) {
    for (int x = 8; x < 33; x += 3) {
      if (still.surface.height[still.surface.at(x, y)] <= nothing) continue;
      const Vec3 n = still.surface.normal[still.surface.at(x, y)];
      const double lambert = std::max(0.f, dot(n, still.scene.light.direction));
      // A mean of sky and surroundings, as much sky as the sample faces it; skin is mottled by 7%.
      const double expected = 0.5 * (lambert + 0.2 * (0.35 + 0.65 * (0.5 + 0.5 * n.z)));
      ASSERT_NEAR(still.colour[still.surface.at(x, y)].y, expected, 0.075 * expected) << x << ' ' << y;
    }
  }
}

TEST(Shade, ANearLampLightsWhatIsNearerToItMore) {
  Still still(
      {{{-20, 20, 0}, {60, 20, 0}, 15, 15}});  // a bar across the frame, seen from above its middle line
  still.scene.light.direction = unit({-0.8f, 0, 0.6f});
  still.scene.light.ambient = {};
  const float even = still.at(20, 20);
  still.scene.light.falloff = 0.5f;
  // A unit of falloff is the whole of the key light over half a frame of 20 samples.
  EXPECT_NEAR(still.at(10, 20) / even, 1.25, 0.15);  // skin is mottled by 7% either way
  EXPECT_NEAR(still.at(30, 20) / even, 0.75, 0.1);
  EXPECT_NEAR(still.at(20, 20) / even, 1, 1e-3);
}

TEST(Shade, AHigherBodyKeepsTheLightFromALowerOne) {
  Still still({ball(20, 20, -30, 40), ball(14, 20, 12, 4)});
  still.scene.light.direction = unit({-1, 0, 0.7f});
  const float open = still.at(20, 20), other = still.at(20, 34);
  still.scene.light.shadow = 1;
  EXPECT_LT(still.at(20, 20), 0.5f * open);
  EXPECT_FLOAT_EQ(still.at(20, 34), other);  // beside the ball's shadow
}

TEST(Shade, AGrooveIsDarkerThanARidge) {
  Still still({ball(12, 20, 0, 9), ball(28, 20, 0, 9)});
  const float groove = still.at(20, 20), ridge = still.at(12, 20);
  still.scene.light.occlusion = 1;
  EXPECT_LT(still.at(20, 20), 0.9f * groove);
  EXPECT_FLOAT_EQ(still.at(12, 20), ridge);
}

TEST(Shade, SleevesAndNailsHaveTheirOwnColour) {
  RoundCone sleeve = ball(20, 20, 0, 15);
  sleeve.part = Part::sleeve;
  Still cloth({sleeve});
  cloth.person.sleeve = {0.1f, 0.1f, 0.9f};
  cloth.at(20, 20);
  EXPECT_NEAR(cloth.colour[20 * 40 + 20].z / cloth.colour[20 * 40 + 20].x, 9, 0.01);
  // A finger's last phalanx from behind, and from its palmar side.
  for (const bool behind : {true, false}) {
    Still finger({{{20, 30, 0}, {20, 12, 0}, 6, 6, 0, Part::distal, 2, {0, 0, behind ? -1.f : 1.f}}});
    finger.person.nail = {0.9f, 0.1f, 0.1f};
    finger.at(20, 15);
    const Vec3 seen = finger.colour[15 * 40 + 20];
    EXPECT_NEAR(seen.x / seen.y, behind ? 9 : 1, 0.01);
  }
}

TEST(CutOut, NothingIsLeftBeyondTheCutAndMostBeforeIt) {
  Still still({{{20, 5, 0}, {20, 35, 0}, 8, 8}});
  still.placed.cut = {.on = true, .at = {20, 26, 0}, .away = {0, 1, 0}};
  still.scene.ragged = 0;
  const Surface before = still.surface;
  cut_out(still.scene, still.placed, 5, still.surface);
  for (int x = 0; x < 40; ++x) {
    // The edge is ragged by three millimetres either way.
    for (int y = 29; y < 40; ++y) EXPECT_EQ(still.surface.height[still.surface.at(x, y)], nothing);
    for (int y = 0; y < 22; ++y) {
      EXPECT_EQ(still.surface.height[still.surface.at(x, y)], before.height[before.at(x, y)]);
    }
  }
}

TEST(CutOut, ARaggedRimLosesSamplesOnlyWhereTheSurfaceTurnsAway) {
  Still still({ball(20, 20, 0, 15)});
  still.placed.cut = {.on = true, .at = {20, 100, 0}, .away = {0, 1, 0}};
  still.scene.ragged = 0.35f;
  const Surface before = still.surface;
  cut_out(still.scene, still.placed, 5, still.surface);
  int lost = 0;
  for (size_t i = 0; i < 1600; ++i) {
    if (before.height[i] <= nothing || still.surface.height[i] > nothing) continue;
    ++lost;
    EXPECT_LT(before.normal[i].z, 1.4f * 0.35f);
  }
  EXPECT_GT(lost, 5);
}

}  // namespace
}  // namespace mudra::synth
