// Where a hand is, and the square cut out around it, by geometry: angles in degrees turn clockwise as seen.
#include "mudra/hands/hand_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <utility>
#include <vector>

#include "mudra/data/image_file.h"
#include "tests/hands/middle_of_light.h"

namespace mudra {
namespace {

struct Place {
  double x = 0, y = 0;
};

Place turned(Place p, double degrees) {
  const double angle = degrees * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
  return {p.x * c - p.y * s, p.x * s + p.y * c};
}

// An upright hand: the wrist at (4, 50), the middle finger's knuckle straight above it at (4, -10), and all
// joints within -30..20 across and -60..50 down.
HandJoints upright_hand() {
  HandJoints joints;
  for (size_t i = 0; i < joints.size(); ++i)
    joints[i] = {-30 + 2.5F * static_cast<float>(i), 40 - 4 * static_cast<float>(i % 7)};
  joints[0] = {4, 50};
  joints[1] = {-30, 10};
  joints[9] = {4, -10};
  joints[12] = {0, -60};
  return joints;
}

HandJoints moved(const HandJoints& joints, double degrees, double scale, Place by) {
  HandJoints result;
  for (size_t i = 0; i < joints.size(); ++i) {
    const Place p = turned({joints[i].x * scale, joints[i].y * scale}, degrees);
    result[i] = {static_cast<float>(p.x + by.x), static_cast<float>(p.y + by.y)};
  }
  return result;
}

HandView view(Place middle, double size, double degrees) {
  const Place up = turned({0, -1}, degrees);
  return {{static_cast<float>(middle.x), static_cast<float>(middle.y)},
          static_cast<float>(size),
          {static_cast<float>(up.x), static_cast<float>(up.y)}};
}

TEST(HandView, TurnsGrowsAndMovesWithTheHand) {
  for (const double degrees : {0.0, 17.0, 90.0, 135.0, 180.0, -60.0}) {
    for (const double scale : {0.1, 1.0, 3.5}) {
      SCOPED_TRACE(testing::Message() << degrees << " degrees, " << scale);
      const HandView found = view_of(moved(upright_hand(), degrees, scale, {200, 120}));
      const Place middle = turned({-5 * scale, -5 * scale}, degrees), up = turned({0, -1}, degrees);
      EXPECT_NEAR(found.middle.x, 200 + middle.x, 1e-3);
      EXPECT_NEAR(found.middle.y, 120 + middle.y, 1e-3);
      EXPECT_NEAR(found.size, 110 * scale, 1e-3 * scale);
      EXPECT_NEAR(found.up.x, up.x, 1e-5);
      EXPECT_NEAR(found.up.y, up.y, 1e-5);
    }
  }
}

TEST(HandView, IsAsLargeAsABroadHandIsBroad) {
  HandJoints joints = upright_hand();
  joints[4] = {-150, 0};  // a thumb far to the side
  EXPECT_NEAR(view_of(joints).size, 170, 1e-3);
  EXPECT_NEAR(view_of(joints).middle.x, -65, 1e-3);
}

TEST(HandView, OfAKnuckleOnTheWristIsUpright) {
  const HandView found = view_of(HandJoints{});
  EXPECT_EQ(found.up.x, 0);
  EXPECT_EQ(found.up.y, -1);
  EXPECT_EQ(found.size, 0);
}

// Where a place of the cut is in the picture: the square's side is the hand's size / 0.72.
Place in_picture(Place cut, Place middle, double size, double degrees, int side) {
  const double scale = size / 0.72 / side;
  const Place p = turned({(cut.x - 0.5 * side) * scale, (cut.y - 0.5 * side) * scale}, degrees);
  return {middle.x + p.x, middle.y + p.y};
}

TEST(FromCut, IsTheSquareTurnedAndScaledAboutTheHandsMiddle) {
  for (const double degrees : {0.0, 30.0, 90.0, -145.0}) {
    for (const Place at : {Place{32, 32}, {0, 0}, {64, 10}, {20.5, 61}}) {
      const Point found =
          from_cut({static_cast<float>(at.x), static_cast<float>(at.y)}, view({90, 70}, 45, degrees), 64);
      const Place expected = in_picture(at, {90, 70}, 45, degrees, 64);
      EXPECT_NEAR(found.x, expected.x, 1e-3) << degrees;
      EXPECT_NEAR(found.y, expected.y, 1e-3) << degrees;
    }
  }
}

constexpr int wide = 100, high = 80;

// Rises by 2 a pixel to the right in red, falls by 2.5 a pixel down in green.
Image slopes() {
  Image picture{high, wide, 3, {}};
  for (int y = 0; y < high; ++y)
    for (int x = 0; x < wide; ++x)
      for (const int value : {20 + 2 * x, 240 - 5 * y / 2, 77})
        picture.bytes.push_back(static_cast<uint8_t>(value));
  return picture;
}

// Hands within the picture, half outside, and far outside; from a third of a pixel of the picture for one of
// the cut's to four; so that beyond the picture its edge must go on.
TEST(Cut, ShowsWhatGeometrySaysAndGoesOnBeyondTheEdge) {
  const Image picture = slopes();
  constexpr int side = 40;
  for (const double degrees : {0.0, 25.0, 90.0, 180.0, -70.0}) {
    for (const double size : {9.0, 30.0, 60.0, 115.0}) {
      for (const Place middle : {Place{50, 40}, {3, 75}, {-40, 30}, {220, -90}}) {
        const Image seen = cut(picture, view(middle, size, degrees), side);
        ASSERT_EQ(seen.height, side);
        ASSERT_EQ(seen.width, side);
        ASSERT_EQ(seen.channels, 3);
        ASSERT_EQ(seen.bytes.size(), size_t{3} * side * side);
        const double pixel = size / 0.72 / side;  // of the cut, in pixels of the picture
        for (int y = 0; y < side; ++y) {
          for (int x = 0; x < side; ++x) {
            const Place at = in_picture({x + 0.5, y + 0.5}, middle, size, degrees, side);
            const double px = std::clamp(at.x - 0.5, 0.0, wide - 1.0),
                         py = std::clamp(at.y - 0.5, 0.0, high - 1.0);
            // A pixel that lies across the edge is a mean of both sides of it.
            const double off = 1.5 + 0.6 * pixel;
            const uint8_t* found = &seen.bytes[static_cast<size_t>(y * side + x) * 3];
            ASSERT_NEAR(found[0], 20 + 2 * px, off) << x << ' ' << y << ' ' << degrees << ' ' << size;
            ASSERT_NEAR(found[1], 240 - 2.5 * py, off) << x << ' ' << y << ' ' << degrees << ' ' << size;
            ASSERT_EQ(found[2], 77);
          }
        }
      }
    }
  }
}

// tests/reference/make_cut_fixtures.py
TEST(Cut, IsWhatPillowCutsOut) {
  const std::string folder = MUDRA_SOURCE_DIR "/tests/fixtures/hands/";
  const Image picture = read_picture(folder + "picture.png");
  int number = 0;
  for (const auto& [seen, side] : {std::pair{view({60, 50}, 40, 0), 48},
                                   {view({70.25, 41.5}, 33, 35), 32},
                                   {view({20, 66}, 50, -120), 40},
                                   {view({64, 48}, 110, 10), 24}}) {
    const Image expected = read_picture(folder + "cut_" + std::to_string(number) + ".png");
    const Image found = cut(picture, seen, side);
    ASSERT_EQ(found.bytes.size(), expected.bytes.size()) << number;
    double sum = 0;
    for (size_t i = 0; i < found.bytes.size(); ++i) {
      const int off = std::abs(found.bytes[i] - expected.bytes[i]);
      ASSERT_LE(off, 6) << number << ' ' << i;
      sum += off;
    }
    EXPECT_LT(sum / static_cast<double>(found.bytes.size()), 0.7) << number;
    ++number;
  }
}

TEST(Cut, ShowsADotWhereFromCutSaysItIs) {
  for (const double degrees : {0.0, 40.0, -100.0, 175.0}) {
    for (const int side : {24, 64, 200}) {
      Image picture{90, 120, 1, std::vector<uint8_t>(size_t{90} * 120)};
      for (int y = 47; y < 52; ++y)
        for (int x = 61; x < 66; ++x) picture.bytes[static_cast<size_t>(y) * 120 + x] = 250;
      const HandView hand = view({70, 40}, 50, degrees);
      const Point seen = middle_of_light(cut(picture, hand, side));
      const Point back = from_cut(seen, hand, side);
      // Where pixels of the cut are more than two of the picture's, samples stand a pixel apart and may see
      // one row of the dot twice.
      const double off = hand.size / 0.72 / side > 2 ? 0.6 : 0.15;
      EXPECT_NEAR(back.x, 63.5, off) << degrees << ' ' << side;
      EXPECT_NEAR(back.y, 49.5, off) << degrees << ' ' << side;
      const Point again = to_cut(back, hand, side);
      EXPECT_NEAR(again.x, seen.x, 1e-3) << degrees << ' ' << side;
      EXPECT_NEAR(again.y, seen.y, 1e-3) << degrees << ' ' << side;
    }
  }
}

TEST(Cut, HasTheKnuckleStraightAboveTheWristAndTheJointsOver72Hundredths) {
  for (const double degrees : {0.0, 63.0, -155.0}) {
    const HandJoints joints = moved(upright_hand(), degrees, 0.5, {80, 80});
    const HandView hand = view_of(joints);
    constexpr int side = 100;
    std::vector<Point> seen;  // dots drawn at wrist, knuckle, and the highest fingertip
    for (const size_t joint : {size_t{0}, size_t{9}, size_t{12}}) {
      Image picture{160, 160, 1, std::vector<uint8_t>(size_t{160} * 160)};
      const auto x = static_cast<size_t>(joints[joint].x), y = static_cast<size_t>(joints[joint].y);
      picture.bytes[y * 160 + x] = 255;
      seen.push_back(middle_of_light(cut(picture, hand, side)));
    }
    // A dot may be half a pixel off, which is 0.5 * 100 * 0.72 / 55 in the cut, aslant 1.41 times that.
    EXPECT_NEAR(seen[0].x, seen[1].x, 2) << degrees;
    EXPECT_LT(seen[1].y, seen[0].y) << degrees;
    EXPECT_NEAR(seen[0].y - seen[2].y, 72, 2) << degrees;
    EXPECT_NEAR(0.5 * (seen[0].y + seen[2].y), 50, 1) << degrees;
  }
}

TEST(Cut, WhatAReaderSaysOfAJointIsItsPartOfTheSide) {
  EXPECT_FLOAT_EQ(part_of_cut(0), 0.5F);
  EXPECT_FLOAT_EQ(part_of_cut(1.5F), 1);
  EXPECT_FLOAT_EQ(part_of_cut(-1.5F), 0);
  for (const float part : {-0.2F, 0.F, 0.3F, 1.F}) EXPECT_NEAR(part_of_cut(said_of_cut(part)), part, 1e-6);
}

}  // namespace
}  // namespace mudra
