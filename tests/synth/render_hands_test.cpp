#include "mudra/synth/render_hands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "mudra/core/error.h"
#include "mudra/synth/render_scene.h"

namespace mudra {
namespace {

Dataset rendered(const SynthOptions& options, int threads = 1) {
  ThreadTeam team(threads);
  return render_hands(options, team);
}

std::vector<uint8_t> bytes_of_image(const Dataset& data, int64_t image) {
  const auto bytes = data.pixels.bytes(image);
  return {bytes.begin(), bytes.end()};
}

double mean_of(std::span<const uint8_t> bytes) {
  double sum = 0;
  for (uint8_t byte : bytes) sum += byte;
  return sum / static_cast<double>(bytes.size());
}

class RenderHandsIn : public testing::TestWithParam<const char*> {};

TEST_P(RenderHandsIn, GivesTheSameBytesForAnyNumberOfThreads) {
  SynthOptions options{.count = 130, .none_fraction = 0.2, .domain = GetParam()};
  const Dataset one = rendered(options, 1);
  for (int threads : {2, 4}) {
    const Dataset many = rendered(options, threads);
    EXPECT_EQ(one.labels, many.labels);
    EXPECT_EQ(one.groups, many.groups);
    for (int64_t i = 0; i < options.count; ++i)
      ASSERT_EQ(bytes_of_image(one, i), bytes_of_image(many, i)) << i;
  }
}

TEST_P(RenderHandsIn, AnImageDependsOnItsIndexAndNotOnTheCount) {
  SynthOptions options{.count = 45, .none_fraction = 0.1, .domain = GetParam()};
  const Dataset few = rendered(options);
  options.count = 90;
  const Dataset many = rendered(options);
  for (int64_t i = 0; i < 45; ++i) {
    EXPECT_EQ(few.labels[i], many.labels[i]);
    ASSERT_EQ(bytes_of_image(few, i), bytes_of_image(many, i)) << i;
    const RenderedHand single = render_hand(options, i);
    EXPECT_EQ(single.label, many.labels[i]);
    ASSERT_EQ(single.pixels, bytes_of_image(many, i)) << i;
  }
}

// Read by four threads at once, each image by two of them.
TEST_P(RenderHandsIn, SomeOfTheImagesAreThoseOfTheWholeSet) {
  const SynthOptions options{.count = 130, .none_fraction = 0.2, .domain = GetParam()};
  const Dataset all = rendered(options);
  std::vector<Row> rows;
  for (Row row = 129; row > 2; row -= 3) rows.push_back(row);
  ThreadTeam team(2);
  Dataset some;
  some.pixels = render_images(options, rows, team);
  ASSERT_EQ(some.size(), static_cast<int64_t>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(bytes_of_image(some, static_cast<int64_t>(i)), bytes_of_image(all, rows[i])) << rows[i];
}

TEST_P(RenderHandsIn, OnDemandGivesTheSameImages) {
  const SynthOptions options{.count = 50, .none_fraction = 0.2, .domain = GetParam(), .colour = true};
  const Dataset whole = rendered(options), on_demand = rendered_on_demand(options);
  EXPECT_EQ(on_demand.pixels.shape(), whole.pixels.shape());
  EXPECT_EQ(on_demand.labels, whole.labels);
  EXPECT_EQ(on_demand.classes, whole.classes);
  EXPECT_EQ(on_demand.groups, whole.groups);
  EXPECT_EQ(on_demand.group_names, whole.group_names);
  const auto size = static_cast<size_t>(whole.pixels.shape().per_example());
  std::vector<std::vector<float>> read(100, std::vector<float>(size));
  ThreadTeam team(4);
  team.run(100, [&](int64_t i) { on_demand.pixels.read(i / 2, read[static_cast<size_t>(i)].data()); });
  std::vector<float> expected(size);
  for (size_t i = 0; i < 100; ++i) {
    whole.pixels.read(static_cast<int64_t>(i / 2), expected.data());
    ASSERT_EQ(read[i], expected) << i / 2;
  }
}

TEST_P(RenderHandsIn, JointsLieOnTheHandAndInTheFrameMostly) {
  SynthOptions options{.count = 200, .size = 64, .domain = GetParam()};
  int64_t inside = 0, on_hand = 0, all = 0;
  for (int64_t i = 0; i < options.count; ++i) {
    const RenderedHand hand = render_hand(options, i);
    for (const auto& [x, y] : hand.joints) {
      ++all;
      if (x < 0 || y < 0 || x >= 64 || y >= 64) continue;
      ++inside;
      on_hand += hand.mask[static_cast<size_t>(y) * 64 + static_cast<size_t>(x)] > 0;
    }
  }
  EXPECT_GT(inside, 0.9 * all);       // turned hands may leave the frame, as in the photographs
  EXPECT_GT(on_hand, 0.98 * inside);  // a cut-out hand may have lost its rim
}

INSTANTIATE_TEST_SUITE_P(Domain, RenderHandsIn,
                         testing::Values("massey", "ankara", "webcam", "mixed", "room", "room-cut"));

TEST(RenderHands, BalancesTheDigits) {
  for (double none : {0.0, 0.25}) {
    const Dataset data = rendered({.count = 400, .size = 16, .none_fraction = none});
    std::map<int32_t, int> count;
    for (int32_t label : data.labels) ++count[label];
    EXPECT_EQ(count[10], 400 * none);
    for (int digit = 0; digit < 10; ++digit) EXPECT_EQ(count[digit], 40 * (1 - none));
    EXPECT_EQ(data.classes.size(), none > 0 ? 11u : 10u);
    EXPECT_EQ(data.classes.back(), none > 0 ? "none" : "9");
  }
}

TEST(RenderHands, AGroupIsOnePersonShowingEveryDigit) {
  const Dataset data = rendered({.count = 100, .size = 16});
  std::map<int32_t, std::set<int32_t>> shown;
  for (int64_t i = 0; i < data.size(); ++i) shown[data.groups[i]].insert(data.labels[i]);
  EXPECT_EQ(shown.size(), 5u);
  EXPECT_EQ(data.group_names.size(), 5u);
  for (const auto& [group, digits] : shown) EXPECT_EQ(digits.size(), 10u) << group;
}

TEST(RenderHands, RendersEverySizeFrom16To512AndRefusesOthers) {
  for (int size : {16, 17, 28, 100, 512}) {
    const Dataset data = rendered({.count = 3, .size = size});
    EXPECT_EQ(data.pixels.shape(), (Shape{3, size, size, 1}));
    EXPECT_GT(mean_of(data.pixels.bytes(1)), 5) << size;
  }
  for (int size : {15, 513, 0, -28}) EXPECT_THROW(rendered({.count = 3, .size = size}), Error) << size;
}

TEST(RenderHands, RefusesOptionsOutOfRangeAsWrongUsage) {
  for (const SynthOptions& options :
       {SynthOptions{.count = 0}, SynthOptions{.count = -1}, SynthOptions{.count = 5, .none_fraction = -0.1},
        SynthOptions{.count = 5, .none_fraction = 1.5}, SynthOptions{.count = 5, .domain = "moon"},
        SynthOptions{.count = int64_t{1} << 40}}) {
    try {
      rendered(options);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
    }
  }
}

TEST(RenderHands, TheMaskIsWhereACutOutHandIsBright) {
  const SynthOptions options{.count = 60, .size = 48, .domain = "massey"};
  int64_t agree = 0, all = 0;
  for (int64_t i = 0; i < options.count; ++i) {
    const RenderedHand hand = render_hand(options, i);
    for (size_t y = 1; y < 47; ++y) {
      for (size_t x = 1; x < 47; ++x) {
        // Blur carries light one pixel over the rim: compare where the neighbours agree.
        const auto mask = [&](size_t dx, size_t dy) { return hand.mask[(y + dy - 1) * 48 + x + dx - 1]; };
        bool same = mask(1, 1) == 0 || mask(1, 1) == 255;
        for (size_t k = 0; k < 9; ++k) same = same && mask(k % 3, k / 3) == mask(1, 1);
        if (!same) continue;
        ++all;
        agree += (mask(1, 1) == 255) == (hand.pixels[y * 48 + x] > 12);
      }
    }
  }
  EXPECT_GT(agree, 0.99 * all);  // JPEG may ring into the black
}

// 786 GB of pixels.
TEST(RenderHands, OnDemandAMillionImagesTakeNoMemoryForPixels) {
  const SynthOptions options{.count = 1'000'000, .size = 512, .colour = true};
  EXPECT_THROW(rendered(options), Error);
  const Dataset data = rendered_on_demand(options);
  EXPECT_EQ(data.labels.size(), 1'000'000U);
  EXPECT_EQ(data.group_names.size(), 50'000U);
  std::vector<float> image(size_t{512} * 512 * 3);
  data.pixels.read(999'999, image.data());
  EXPECT_GT(*std::ranges::max_element(image), 0.1F);
}

TEST(RenderHands, MeanBrightnessDoesNotTell0From5) {
  const Dataset data = rendered({.count = 3000});
  std::vector<std::pair<double, bool>> brightness;
  for (int64_t i = 0; i < data.size(); ++i) {
    if (data.labels[i] != 0 && data.labels[i] != 5) continue;
    brightness.emplace_back(mean_of(data.pixels.bytes(i)), data.labels[i] == 5);
  }
  std::sort(brightness.begin(), brightness.end());
  // The best threshold, either way round.
  int balance = 0, best = 0;
  for (const auto& [mean, five] : brightness) {
    balance += five ? 1 : -1;
    best = std::max(best, std::abs(balance));
  }
  EXPECT_LT(0.5 + best / static_cast<double>(brightness.size()), 0.75);
}

using Joints = decltype(RenderedHand::joints);

double apart(const Joints& joints, size_t a, size_t b) {
  return std::hypot(joints[a][0] - joints[b][0], joints[a][1] - joints[b][1]);
}

constexpr size_t wrist = 0, thumb_tip = 4, index_knuckle = 5, little_knuckle = 17;
constexpr size_t fingertips[] = {8, 12, 16, 20};

// 6 little, 7 ring, 8 middle, 9 index.
TEST(RenderHands, In6To9TheThumbTouchesItsOwnFinger) {
  int right = 0, all = 0;
  for (int64_t i = 0; i < 400; ++i) {
    const RenderedHand hand = render_hand({.count = 400, .size = 64}, i);
    if (hand.label < 6) continue;
    const auto distance = [&](size_t tip) { return apart(hand.joints, thumb_tip, tip); };
    const size_t* nearest = std::min_element(std::begin(fingertips), std::end(fingertips),
                                             [&](size_t a, size_t b) { return distance(a) < distance(b); });
    ++all;
    right += nearest - fingertips == 9 - hand.label;
  }
  EXPECT_GT(right, 0.95 * all);
}

TEST(RenderHands, A1To5ReachesAsFarAsItsFingersAreStraight) {
  constexpr int straight[6] = {0, 1, 2, 2, 4, 4};
  int right = 0, all = 0;
  for (int64_t i = 0; i < 300; ++i) {
    const RenderedHand hand = render_hand({.count = 300, .size = 64}, i);
    if (hand.label < 1 || hand.label > 5) continue;
    for (int finger = 0; finger < 4; ++finger) {
      const auto f = static_cast<size_t>(finger);
      const double tip = apart(hand.joints, wrist, fingertips[f]);
      ++all;
      right +=
          (tip > 1.4 * apart(hand.joints, wrist, index_knuckle + 4 * f)) == (finger < straight[hand.label]);
    }
  }
  EXPECT_GT(right, 0.97 * all);
}

TEST(RenderHands, TheThumbStandsOffTheHandIn3And5Only) {
  int right = 0, all = 0;
  for (int64_t i = 0; i < 300; ++i) {
    const RenderedHand hand = render_hand({.count = 300, .size = 64}, i);
    if (hand.label < 1 || hand.label > 5) continue;
    // The hand's breadth at the knuckles is the measure.
    const double off =
        apart(hand.joints, thumb_tip, little_knuckle) / apart(hand.joints, index_knuckle, little_knuckle);
    ++all;
    right += (off > 1.4) == (hand.label == 3 || hand.label == 5);
  }
  EXPECT_GT(right, 0.95 * all);
}

TEST(RenderHands, WebcamHandsAreLeftAsOftenAsRightAndCutOutHandsAreRight) {
  // Palms face the viewer: a right hand's thumb is on the right.
  for (const auto& [domain, least, most] :
       {std::tuple{"massey", 0.0, 0.0}, {"ankara", 0.0, 0.1}, {"webcam", 0.35, 0.65}}) {
    int left = 0, all = 0;
    for (int64_t i = 0; i < 1600; i += images_per_person) {
      int mirrored = 0, shown = 0;  // of one person
      for (int64_t k = i; k < i + images_per_person && shown < 3; ++k) {
        const RenderedHand hand = render_hand({.count = 1600, .size = 16, .domain = domain}, k);
        if (hand.label == 0) continue;  // seen from the side
        ++shown;
        mirrored += hand.joints[index_knuckle][0] < hand.joints[little_knuckle][0];
      }
      EXPECT_TRUE(mirrored == 0 || mirrored == shown) << domain << ' ' << i;
      ++all;
      left += mirrored > 0;
    }
    EXPECT_GE(left, least * all) << domain;
    EXPECT_LE(left, most * all) << domain;
  }
}

TEST(RenderHands, SkinIsRedderThanBlueInEveryColourPicture) {
  for (int64_t i = 0; i < 40; ++i) {
    const RenderedHand hand = render_hand({.count = 40, .size = 32, .colour = true}, i);
    ASSERT_EQ(hand.pixels.size(), 3u * 32 * 32);
    int64_t red = 0, blue = 0;
    for (size_t at = 0; at < 1024; ++at) {
      red += hand.pixels[3 * at];
      blue += hand.pixels[3 * at + 2];
    }
    EXPECT_GT(red, blue) << i;
  }
}

TEST(RenderHands, AFifthOfNoneIsAnEmptyFrameAndTheRestIsAHand) {
  int empty = 0;
  for (int64_t i = 0; i < 300; ++i) {
    const RenderedHand hand =
        render_hand({.count = 300, .size = 24, .none_fraction = 1, .domain = "mixed"}, i);
    EXPECT_EQ(hand.label, 10);
    const bool nothing_there = mean_of(hand.mask) == 0;
    EXPECT_EQ(nothing_there, hand.empty) << i;
    empty += hand.empty;
  }
  EXPECT_NEAR(empty, 60, 25);
}

TEST(RenderHands, AHandIsDarkerThanTheWallBehindIt) {
  int darker = 0;
  for (int64_t i = 0; i < 200; ++i) {
    const RenderedHand hand = render_hand({.count = 200, .size = 32, .domain = "ankara"}, i);
    double sum[2] = {}, count[2] = {};
    for (size_t at = 0; at < 1024; ++at) {
      if (hand.mask[at] != 0 && hand.mask[at] != 255) continue;
      sum[hand.mask[at] == 0] += hand.pixels[at];
      ++count[hand.mask[at] == 0];
    }
    darker += sum[0] / count[0] < sum[1] / count[1];
  }
  EXPECT_GT(darker, 190);
}

// The same scenes with and without the hand's shadow, as a camera of fixed exposure sees them.
TEST(RenderScene, TheHandsShadowFallsOnTheWall) {
  using namespace synth;
  constexpr int side = 48;
  for (uint64_t i = 0; i < 20; ++i) {
    Rng rng(5, Purpose::synth, 0, i);
    const Person person = draw_person(Domain::ankara, rng);
    Scene scene = draw_scene(person, static_cast<int>(i % 10), rng);
    scene.camera = {.exposure = 0.5f, .blur = 0, .noise = 0};
    Workspace work;
    std::vector<uint8_t> lit(side * side), shaded(side * side);
    for (const float cast : {0.f, 0.6f}) {
      scene.light.cast = cast;
      Rng same(6, Purpose::synth, 0, i);
      render_scene(person, scene, side, 1, same, work, cast > 0 ? shaded.data() : lit.data());
    }
    double darker = 0;
    for (size_t at = 0; at < lit.size(); ++at) {
      ASSERT_LE(shaded[at], lit[at]);
      if (work.mask[at] == 255) {
        ASSERT_EQ(shaded[at], lit[at]);
      }
      if (work.mask[at] == 0) darker += lit[at] - shaded[at] > 10;
    }
    EXPECT_GT(darker, 40) << i;
  }
}

TEST(RenderHands, AnArmLeavesTheFrameBelow) {
  for (const char* domain : {"ankara", "webcam"}) {
    int cut = 0;
    for (int64_t i = 0; i < 100; ++i) {
      const RenderedHand hand = render_hand({.count = 100, .size = 16, .domain = domain}, i);
      cut += std::any_of(hand.mask.end() - 16, hand.mask.end(), [](uint8_t share) { return share > 0; });
    }
    EXPECT_GT(cut, 70) << domain;
  }
}

TEST(RenderHands, WhichFramesAreEmptyDependsOnTheSeed) {
  std::vector<bool> empty[2];
  for (uint64_t seed : {0, 1}) {
    for (int64_t i = 0; i < 60; ++i) {
      empty[seed].push_back(
          render_hand({.count = 60, .size = 16, .seed = seed, .none_fraction = 1}, i).empty);
    }
  }
  EXPECT_NE(empty[0], empty[1]);
}

TEST(RenderHands, TwoSeedsShareNoImage) {
  const Dataset a = rendered({.count = 20, .seed = 1}), b = rendered({.count = 20, .seed = 2});
  for (int64_t i = 0; i < 20; ++i) {
    for (int64_t k = 0; k < 20; ++k) EXPECT_NE(bytes_of_image(a, i), bytes_of_image(b, k));
  }
}

}  // namespace
}  // namespace mudra
