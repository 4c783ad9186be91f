// What a finder is trained to say of a hand, and the hand that is found where it says just that.
#include "mudra/hands/finder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/data/image.h"
#include "tests/hands/middle_of_light.h"

namespace mudra {
namespace {

// 21 joints in no order, turned and scaled about a middle near (x, y).
HandJoints joints_at(Rng& rng, double x, double y, double size, double angle) {
  HandJoints joints;
  const double c = std::cos(angle), s = std::sin(angle);
  const auto set = [&](size_t i, double u, double v) {  // in halves of the size, upright
    u *= 0.5 * size;
    v *= 0.5 * size;
    joints[i] = {static_cast<float>(x + u * c - v * s), static_cast<float>(y + u * s + v * c)};
  };
  for (size_t i = 0; i < joints.size(); ++i) set(i, 1.4 * rng.uniform() - 0.7, 2 * rng.uniform() - 1);
  set(0, 0.1, 1);
  set(9, 0.1, -0.1);
  set(12, 0, -1);
  set(4, -0.75, 0);
  set(20, 0.75, -0.3);
  return joints;
}

std::vector<float> targets_of(std::span<const Point> joints, int side, int cells) {
  std::vector<float> targets(static_cast<size_t>(cells) * cells * finder_targets, -7);
  finder_targets_of(joints, side, cells, targets.data());
  return targets;
}

// What a network gives that says exactly this: logits of the presence, distances as they are.
std::vector<float> exact_answer(const std::vector<float>& targets) {
  std::vector<float> given;
  for (size_t at = 0; at < targets.size(); at += finder_targets) {
    const double presence = std::clamp(static_cast<double>(targets[at + 1]), 1e-6, 1 - 1e-6);
    given.push_back(static_cast<float>(std::log(presence / (1 - presence))));
    for (size_t i = 0; i < finder_distances; ++i) given.push_back(targets[at + 3 + i]);
  }
  return given;
}

TEST(FinderTargets, AreTheseForAHandOfHalfThePicture) {
  // 80 pixels, cells of 10; the joints' box is 40 high and 20 wide, its middle the middle of cell (3, 3).
  HandJoints joints;
  joints.fill({35, 35});
  joints[0] = {35, 55};
  joints[9] = {35, 33};
  joints[12] = {35, 15};
  joints[4] = {25, 40};
  joints[20] = {45, 40};
  const std::vector<float> targets = targets_of(joints, 80, 8);
  const auto at = [&](size_t x, size_t y, size_t value) {
    return targets[(8 * y + x) * finder_targets + value];
  };
  for (size_t i = 0; i < 64; ++i) EXPECT_EQ(targets[i * finder_targets], 1);
  EXPECT_EQ(at(3, 3, 1), 1);
  EXPECT_NEAR(at(4, 3, 1), std::exp(-1), 1e-6);  // a cell away, which is half of half the size
  EXPECT_NEAR(at(4, 3, 2), std::exp(-1), 1e-6);  // and counts as much
  EXPECT_NEAR(at(2, 2, 1), std::exp(-2), 1e-6);
  EXPECT_EQ(at(2, 2, 2), 0);
  EXPECT_NEAR(at(3, 6, 1), std::exp(-9), 1e-6);
  const float expected[] = {-0.5F, 0, std::log(2.F), 0, -1, -0.5F, -1, 0.5F, 1};
  for (size_t i = 0; i < finder_distances; ++i) EXPECT_NEAR(at(4, 3, 3 + i), expected[i], 1e-5) << i;
  EXPECT_NEAR(at(3, 2, 3), 0, 1e-6);
  EXPECT_NEAR(at(3, 2, 4), 0.5, 1e-6);
}

TEST(FinderTargets, OfNoHandAreThatNoneIsAnywhere) {
  const std::vector<float> targets = targets_of({}, 64, 8);
  for (size_t at = 0; at < targets.size(); at += finder_targets) {
    EXPECT_EQ(targets[at], 1);  // the presence counts
    EXPECT_EQ(targets[at + 1], 0);
    EXPECT_EQ(targets[at + 2], 0);  // the distances do not
  }
  EXPECT_LT(found_hand(exact_answer(targets).data(), 64, 8).presence, least_presence);
}

TEST(FinderTargets, OfTheSmallestHandStillHaveOneCellInFull) {
  Rng rng(1, Purpose::test);
  for (int i = 0; i < 200; ++i) {
    const double x = 64 * rng.uniform(), y = 64 * rng.uniform();
    const std::vector<float> targets = targets_of(joints_at(rng, x, y, 1 + 3 * rng.uniform(), 1), 64, 8);
    float most = 0;
    for (size_t at = 0; at < targets.size(); at += finder_targets) most = std::max(most, targets[at + 1]);
    EXPECT_EQ(most, 1);
  }
}

TEST(FoundHand, IsTheHandThatTheTargetsAreOf) {
  Rng rng(2, Purpose::test);
  for (const auto& [side, cells] : {std::pair{96, 12}, {192, 24}, {160, 15}}) {
    for (int i = 0; i < 300; ++i) {
      const double size = side * std::exp2(-3 * rng.uniform());  // an eighth of the side to all of it
      const double x = side * rng.uniform(), y = side * rng.uniform();
      const double angle = 2 * std::numbers::pi * rng.uniform();
      const HandJoints joints = joints_at(rng, x, y, size, angle);
      SCOPED_TRACE(testing::Message()
                   << side << ' ' << i << ": " << x << ' ' << y << ' ' << size << ' ' << angle);
      const FoundHand found = found_hand(exact_answer(targets_of(joints, side, cells)).data(), side, cells);
      const double off = 1e-3 * size;
      EXPECT_GT(found.presence, 0.999F);
      EXPECT_NEAR(found.view.middle.x, x, off);
      EXPECT_NEAR(found.view.middle.y, y, off);
      EXPECT_NEAR(found.view.size, size, off);
      EXPECT_NEAR(found.view.up.x, std::sin(angle), 1e-3);
      EXPECT_NEAR(found.view.up.y, -std::cos(angle), 1e-3);
      const auto [left, right] = std::ranges::minmax(joints, {}, &Point::x);
      const auto [top, bottom] = std::ranges::minmax(joints, {}, &Point::y);
      EXPECT_NEAR(found.box.left, left.x, off);
      EXPECT_NEAR(found.box.right, right.x, off);
      EXPECT_NEAR(found.box.top, top.y, off);
      EXPECT_NEAR(found.box.bottom, bottom.y, off);
    }
  }
}

TEST(FoundHand, HasThePresenceOfTheLikeliestCell) {
  std::vector<float> given(16 * finder_channels);
  for (size_t cell = 0; cell < 16; ++cell) given[cell * finder_channels] = -5;
  given[6 * finder_channels] = std::log(0.3F / 0.7F);
  EXPECT_NEAR(found_hand(given.data(), 40, 4).presence, 0.3, 1e-6);
}

TEST(FoundHand, IsFoundByTheCellsAroundTheLikeliestAsMuchAsTheyAreSure) {
  // Cells of 10; two neighbours say sizes of 10 and 20 with presences of 3/4 and 1/4; the others nothing.
  std::vector<float> given(16 * finder_channels);
  for (size_t cell = 0; cell < 16; ++cell) given[cell * finder_channels] = -60;
  float *sure = &given[5 * finder_channels], *less = &given[6 * finder_channels];
  sure[0] = std::log(3.F);
  less[0] = -std::log(3.F);
  less[3] = std::log(2.F);
  sure[5] = less[5] = -1;
  for (const size_t far : {size_t{7}, size_t{13}}) {  // as likely as 1/2, but two cells away
    given[far * finder_channels] = 0;
    given[far * finder_channels + 3] = 2;
  }
  const FoundHand found = found_hand(given.data(), 40, 4);
  EXPECT_NEAR(found.view.size, 12.5, 1e-4);
  EXPECT_NEAR(found.view.middle.x, 0.75 * 15 + 0.25 * 25, 1e-4);
  EXPECT_NEAR(found.view.middle.y, 15, 1e-4);
}

TEST(InPicture, UndoesWhatKeepingTheAspectRatioDoes) {
  constexpr int side = 96;
  for (const auto& [height, width] :
       {std::pair{240, 320}, {320, 240}, {200, 200}, {41, 60}, {63, 30}, {96, 96}}) {
    SCOPED_TRACE(testing::Message() << height << 'x' << width);
    // A dot of a tenth of the picture, at 0.7 of its width and 0.2 of its height.
    Image picture{height, width, 1, std::vector<uint8_t>(static_cast<size_t>(height) * width)};
    const int dot = std::max(height, width) / 10, left = 7 * width / 10, top = 2 * height / 10;
    for (int y = top; y < top + dot; ++y)
      for (int x = left; x < std::min(width, left + dot); ++x)
        picture.bytes[static_cast<size_t>(y) * width + x] = 255;
    const Point true_place = middle_of_light(picture);
    const Point seen = middle_of_light(fit(picture, {side, side, 1, Fit::keep_aspect}));
    FoundHand found;
    found.view = {seen, 24, {0.6F, -0.8F}};
    found.box = {seen.x - 10, seen.y - 12, seen.x + 8, seen.y + 4};
    const FoundHand back = in_picture(found, side, height, width);
    // The fitter centres to whole pixels of its own, so half of one may be lost.
    const double scale = std::max(height, width) / static_cast<double>(side), off = 0.6 * scale;
    EXPECT_NEAR(back.view.middle.x, true_place.x, off);
    EXPECT_NEAR(back.view.middle.y, true_place.y, off);
    EXPECT_NEAR(back.view.size, 24 * scale, 1e-3);
    EXPECT_EQ(back.view.up.x, 0.6F);
    EXPECT_EQ(back.view.up.y, -0.8F);
    EXPECT_NEAR(back.box.left, true_place.x - 10 * scale, off);
    EXPECT_NEAR(back.box.top, true_place.y - 12 * scale, off);
    EXPECT_NEAR(back.box.right, true_place.x + 8 * scale, off);
    EXPECT_NEAR(back.box.bottom, true_place.y + 4 * scale, off);
  }
}

}  // namespace
}  // namespace mudra
