// Rooms, and hands cut out of them: what is promised of where a hand is, how large, and of whom.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/synth/render_hands.h"
#include "mudra/synth/render_scene.h"
#include "mudra/synth/room.h"

namespace mudra {
namespace {

using Joints = decltype(RenderedHand::joints);

class RoomsIn : public testing::TestWithParam<const char*> {};

TEST_P(RoomsIn, JointsAreKnownWithoutRendering) {
  for (const int size : {16, 48, 131}) {
    const SynthOptions options{.count = 60, .size = size, .none_fraction = 0.4, .domain = GetParam()};
    int empty = 0;
    for (int64_t i = 0; i < options.count; ++i) {
      const RenderedHand hand = render_hand(options, i);
      const auto joints = rendered_joints(options, i);
      ASSERT_EQ(joints.has_value(), !hand.empty) << i;
      empty += hand.empty;
      if (joints) {
        ASSERT_EQ(*joints, hand.joints) << i;
      }
    }
    EXPECT_GT(empty, 0);
  }
}

TEST_P(RoomsIn, JointsGrowWithTheSideAndColourDoesNotMoveThem) {
  SynthOptions options{.count = 40, .size = 32, .domain = GetParam()};
  for (int64_t i = 0; i < options.count; ++i) {
    options.size = 32;
    options.colour = false;
    const auto small = rendered_joints(options, i);
    options.size = 128;
    options.colour = true;
    const auto large = rendered_joints(options, i);
    ASSERT_TRUE(small && large);
    for (size_t j = 0; j < 21; ++j)
      for (size_t axis : {0, 1}) EXPECT_NEAR(4 * (*small)[j][axis], (*large)[j][axis], 0.01);
  }
}

// The mask is where the hand is: at the joints, and nowhere in an empty room.
TEST_P(RoomsIn, TheMaskLiesAroundTheJoints) {
  const SynthOptions options{.count = 150, .size = 64, .none_fraction = 0.2, .domain = GetParam()};
  int64_t on_hand = 0, inside = 0;
  for (int64_t i = 0; i < options.count; ++i) {
    const RenderedHand hand = render_hand(options, i);
    ASSERT_EQ(hand.mask.size(), 64U * 64);
    const int64_t light = std::accumulate(hand.mask.begin(), hand.mask.end(), int64_t{0});
    if (hand.empty) {
      EXPECT_EQ(light, 0) << i;
      continue;
    }
    for (const auto& [x, y] : hand.joints) {
      if (x < 0 || y < 0 || x >= 64 || y >= 64) continue;
      ++inside;
      on_hand += hand.mask[static_cast<size_t>(y) * 64 + static_cast<size_t>(x)] > 0;
    }
  }
  EXPECT_GT(inside, 2000);
  EXPECT_GT(static_cast<double>(on_hand), 0.98 * static_cast<double>(inside));
}

TEST_P(RoomsIn, DigitsHaveAHandAndSomeOfNoneHaveNone) {
  const SynthOptions options{.count = 1000, .size = 16, .none_fraction = 0.5, .domain = GetParam()};
  int none = 0, empty = 0;
  for (int64_t i = 0; i < options.count; ++i) {
    const RenderedHand hand = render_hand(options, i);
    ASSERT_TRUE(hand.label >= 0 && hand.label <= 10);
    ASSERT_FALSE(hand.label < 10 && hand.empty) << i;
    none += hand.label == 10;
    empty += hand.empty;
  }
  EXPECT_EQ(none, 500);
  EXPECT_NEAR(empty, 0.55 * none, 50);  // 4.5 standard deviations
}

TEST_P(RoomsIn, AreRenderedInGreyAndColourAtEverySize) {
  for (const int size : {16, 17, 28, 131, 512}) {
    for (const bool colour : {false, true}) {
      const SynthOptions options{.count = 8, .size = size, .domain = GetParam(), .colour = colour};
      ThreadTeam team(1);
      const Dataset data = render_hands(options, team);
      ASSERT_EQ(data.pixels.shape(), (Shape{8, size, size, colour ? 3 : 1}));
      for (int64_t i = 0; i < 8; ++i) {
        const auto [least, most] = std::ranges::minmax(data.pixels.bytes(i));
        EXPECT_GT(most - least, 20) << size << ' ' << i;  // something is to be seen
      }
    }
  }
}

TEST_P(RoomsIn, TheThumbIsOnTheLeftAsOftenAsOnTheRight) {
  int left = 0, all = 0;
  const SynthOptions options{.count = 1500, .domain = GetParam()};
  for (int64_t i = 0; i < options.count; ++i) {
    const Joints joints = *rendered_joints(options, i);
    // Of the knuckles of index and little finger, seen from the wrist: which way round they come.
    const auto across = [&](size_t a) {
      return std::array{joints[a][0] - joints[0][0], joints[a][1] - joints[0][1]};
    };
    const auto a = across(5), b = across(17);
    left += a[0] * b[1] - a[1] * b[0] > 0;
    ++all;
  }
  EXPECT_NEAR(left, all / 2, 0.06 * all);
}

INSTANTIATE_TEST_SUITE_P(Domain, RoomsIn, testing::Values("room", "room-cut"));

struct Extent {
  double longer = 0, middle_x = 0, middle_y = 0;  // of the joints' box, in parts of the picture's side
  double angle = 0;                               // degrees from upright, clockwise
  bool inside = true;
};

std::vector<Extent> extents(const char* domain, int64_t count) {
  const SynthOptions options{.count = count, .size = 64, .domain = domain};
  std::vector<Extent> found;
  for (int64_t i = 0; i < count; ++i) {
    const Joints joints = *rendered_joints(options, i);
    float left = 1e9F, right = -1e9F, top = 1e9F, bottom = -1e9F;
    for (const auto& [x, y] : joints) {
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
    Extent e;
    e.longer = std::max(right - left, bottom - top) / 64.0;
    e.middle_x = 0.5 * (left + right) / 64.0;
    e.middle_y = 0.5 * (top + bottom) / 64.0;
    e.angle = std::atan2(joints[9][0] - joints[0][0], joints[0][1] - joints[9][1]) * 180 / std::numbers::pi;
    e.inside = left >= 0 && top >= 0 && right <= 64 && bottom <= 64;
    found.push_back(e);
  }
  return found;
}

template <class Value>
std::pair<double, double> mean_and_deviation(const std::vector<Extent>& found, Value Extent::*value) {
  double sum = 0, squares = 0;
  for (const Extent& e : found) sum += e.*value;
  const double mean = sum / static_cast<double>(found.size());
  for (const Extent& e : found) squares += (e.*value - mean) * (e.*value - mean);
  return {mean, std::sqrt(squares / static_cast<double>(found.size()))};
}

// As a finder leaves them: a normal distribution cut off at 2.5 deviations has 0.955 of its deviation.
TEST(RoomCut, HandsAreUprightInTheMiddleAndOver72Hundredths) {
  const std::vector<Extent> found = extents("room-cut", 2000);
  const auto [angle, angle_deviation] = mean_and_deviation(found, &Extent::angle);
  EXPECT_NEAR(angle, 0, 1.2);
  EXPECT_NEAR(angle_deviation, 11.5, 1);
  const auto [longer, longer_deviation] = mean_and_deviation(found, &Extent::longer);
  EXPECT_NEAR(longer, 0.72, 0.008);
  EXPECT_NEAR(longer_deviation, 0.081, 0.008);
  const auto [x, x_deviation] = mean_and_deviation(found, &Extent::middle_x);
  const auto [y, y_deviation] = mean_and_deviation(found, &Extent::middle_y);
  EXPECT_NEAR(x, 0.5, 0.006);
  EXPECT_NEAR(y, 0.5, 0.006);
  EXPECT_NEAR(x_deviation, 0.048, 0.006);
  EXPECT_NEAR(y_deviation, 0.048, 0.006);
  int64_t inside = 0;
  for (const Extent& e : found) {
    EXPECT_LE(std::fabs(e.angle), 30.1);
    EXPECT_GE(e.longer, 0.499);
    EXPECT_LE(e.longer, 0.981);
    inside += e.inside;
  }
  EXPECT_GT(inside, 1900);
}

TEST(Room, HandsAreFromASixthToAllOfTheFrameAsOftenInEveryOctave) {
  const std::vector<Extent> found = extents("room", 2000);
  std::vector<double> longer;
  for (const Extent& e : found) longer.push_back(e.longer);
  std::ranges::sort(longer);
  EXPECT_GE(longer.front(), 0.139);
  EXPECT_LE(longer.back(), 1.051);
  EXPECT_LT(longer[50], 1.0 / 6);
  EXPECT_GT(longer[1950], 0.88);
  // log(1.05 / 0.14) = 2.015: of the 94 in 100 that were not cut out on black, which are all above 0.7, a
  // quarter lies within every quarter of it.
  for (const int quarter : {1, 2, 3})
    EXPECT_NEAR(std::log(longer[static_cast<size_t>(500 * quarter)] / 0.14), 2.015 * quarter / 4 / 0.94,
                0.08);
}

TEST(Room, MostHandsAreNearUprightAndSomeAreTurnedFar) {
  const std::vector<Extent> found = extents("room", 2000);
  int64_t near = 0, far = 0, inside = 0;
  for (const Extent& e : found) {
    near += std::fabs(e.angle) < 45;
    far += std::fabs(e.angle) > 70;
    inside += e.inside;
  }
  EXPECT_GT(near, 1500);
  EXPECT_GT(far, 80);
  EXPECT_GT(inside, 1500);  // now and then the edge cuts off a part
}

// What the camera did not see is black: of most pictures a quarter, of some seven sixteenths, of some
// nothing. Around a hand that was cut out there is black of any shape.
TEST(Room, PicturesEndWhereACamerasDoAndAreBlackBeyond) {
  int wide = 0, tall = 0, square = 0, ragged = 0;
  for (int64_t i = 0; i < 300; ++i) {
    const RenderedHand hand = render_hand({.count = 300, .size = 64, .domain = "room"}, i);
    const auto is_black = [&](int from, int step) {
      for (int k = 0; k < 64; ++k)
        if (hand.pixels[static_cast<size_t>(from + k * step)] != 0) return false;
      return true;
    };
    const bool top = is_black(0, 1) && is_black(7 * 64, 1), bottom = is_black(63 * 64, 1);
    const bool left = is_black(0, 64) && is_black(7, 64), right = is_black(63, 64);
    if (top != bottom || left != right) {
      ++ragged;
      continue;
    }
    wide += top && !left;
    tall += left && !top;
    square += !top && !left;
  }
  EXPECT_LE(ragged, 0.06 * 300 + 12);  // no more than were cut out: three standard deviations
  EXPECT_NEAR(square, 0.225 * 300, 35);
  EXPECT_NEAR(wide, 0.775 * 0.85 * 300, 40);
  EXPECT_GT(tall, 10);
}

// The skin's share of light in red, by which the renderer's six tones differ: 0.055, 0.13, 0.26, 0.40, 0.55
// and 0.70. As many people between any two of them.
TEST(Room, PeopleHaveEverySkinFromVeryDarkToVeryLight) {
  constexpr double tones[] = {0.055, 0.13, 0.26, 0.40, 0.55, 0.70};
  constexpr int people = 3000;
  int between[7] = {}, reddish = 0;
  for (uint64_t i = 0; i < people; ++i) {
    Rng rng(3, Purpose::synth, 0, i);
    const synth::Vec3 skin = synth::draw_room_person(synth::Domain::room, rng).skin;
    EXPECT_GT(skin.z, 0.01F);
    reddish += skin.x > skin.y && skin.y > skin.z;
    EXPECT_LT(skin.x, 0.9F);
    ++between[std::upper_bound(std::begin(tones), std::end(tones), skin.x) - std::begin(tones)];
  }
  // A hue of a tenth moves some over a tone's edge, some beyond the first and the last.
  for (int band = 1; band < 6; ++band) EXPECT_NEAR(between[band], people / 5, people / 18) << band;
  EXPECT_LT(between[0] + between[6], people / 8);
  EXPECT_GT(reddish, people * 97 / 100);  // a few of the lightest are not
}

// Of the pixels that are all hand, under light that differs by image: means of whole people.
TEST(Room, PicturesShowDarkAndLightHands) {
  std::vector<double> means;
  const SynthOptions options{.count = 2000, .size = 24, .domain = "room-cut"};
  for (int64_t person = 0; person < options.count / images_per_person; ++person) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t k = 0; k < 5; ++k) {
      const RenderedHand hand = render_hand(options, person * images_per_person + k);
      for (size_t at = 0; at < hand.mask.size(); ++at) {
        if (hand.mask[at] < 255) continue;
        sum += hand.pixels[at];
        ++count;
      }
    }
    means.push_back(sum / static_cast<double>(count));
  }
  std::ranges::sort(means);
  EXPECT_LT(means[10], 90);   // a tenth is darker than this
  EXPECT_GT(means[89], 140);  // a tenth lighter than that
}

TEST(RoomPerson, IsOneForAllOfTheirImagesAndAnotherNextTime) {
  Rng first(3, Purpose::synth, 0, 1), again(3, Purpose::synth, 0, 1), other(3, Purpose::synth, 0, 2);
  const synth::Person a = synth::draw_room_person(synth::Domain::room, first),
                      b = synth::draw_room_person(synth::Domain::room, again),
                      c = synth::draw_room_person(synth::Domain::room_cut, other);
  EXPECT_EQ(a.skin.x, b.skin.x);
  EXPECT_NE(a.skin.x, c.skin.x);
  EXPECT_EQ(c.domain, synth::Domain::room_cut);
}

}  // namespace
}  // namespace mudra
