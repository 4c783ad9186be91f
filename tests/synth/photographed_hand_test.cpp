#include "mudra/synth/photographed_hand.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/message.h"

namespace mudra {
namespace {

// A ring of skin on an arm, on a wall that is lighter to the left; with a small red thing in a corner, and a
// glint and a nail on the ring.
Image photograph() {
  Image image{100, 100, 3, {}};
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x) {
      const double from = std::hypot(x - 50.0, y - 40.0);
      const bool skin = (from < 25 && from > 10) || (y > 60 && std::abs(x - 50) < 9) || (x < 5 && y < 5);
      std::array<int, 3> colour = {230 - x / 2, 228 - x / 2, 226 - x / 2};
      if (skin) colour = {190, 140, 110};
      if (std::hypot(x - 50, y - 22) < 1.5) colour = {250, 250, 250};
      if (std::hypot(x - 67, y - 40) < 3) colour = {20, 15, 30};
      for (const int value : colour) image.bytes.push_back(static_cast<uint8_t>(value));
    }
  }
  return image;
}

TEST(CutOutOfWall, KeepsTheHandAndWhatIsSeenThroughItIsNone) {
  const auto hand = cut_out_of_wall(photograph());
  ASSERT_TRUE(hand);
  const auto share = [&](int x, int y) { return hand->share[static_cast<size_t>(y) * 100 + x]; };
  EXPECT_EQ(share(50, 58), 1);  // the ring
  EXPECT_EQ(share(50, 40), 0);  // through it
  EXPECT_EQ(share(50, 95), 1);  // the arm
  EXPECT_EQ(share(50, 22), 1);  // the glint
  EXPECT_EQ(share(67, 40), 1);  // the nail
  EXPECT_EQ(share(2, 2), 0);    // another red thing
  EXPECT_EQ(share(20, 80), 0);
  EXPECT_EQ(share(80, 20), 0);
  EXPECT_EQ(hand->picture, photograph());
  const float area = std::accumulate(hand->share.begin(), hand->share.end(), 0.F);
  EXPECT_NEAR(area, 3.1416F * (25 * 25 - 10 * 10) + 17 * 35.5F, 120);
}

TEST(CutOutOfWall, SaysWhereNothingIsToBeCutOut) {
  Image wall = photograph();
  std::ranges::fill(wall.bytes, uint8_t{200});
  EXPECT_FALSE(cut_out_of_wall(wall));
  for (size_t i = 0; i < wall.bytes.size(); i += 3)
    wall.bytes[i] = i / 3 % 100 < 70 && i / 300 > 10 ? 250 : 200;
  EXPECT_FALSE(cut_out_of_wall(wall)) << "most of it";
  const Image grey{10, 10, 1, std::vector<uint8_t>(100, 9)};
  EXPECT_EQ(message_of([&] { cut_out_of_wall(grey); }),
            "photograph: is grey. A hand is cut out by its colour.");
}

TEST(RenderPhotographed, PutsTheHandIntoARoomWhereItsMaskSays) {
  const auto hand = cut_out_of_wall(photograph());
  ASSERT_TRUE(hand);
  double smallest = 1, largest = 0;
  for (int64_t i = 0; i < 60; ++i) {
    const RenderedHand drawn = render_photographed(*hand, 3, 64, 5, i);
    ASSERT_EQ(drawn.pixels.size(), size_t{64} * 64 * 3);
    ASSERT_EQ(drawn.mask.size(), size_t{64} * 64);
    EXPECT_EQ(drawn.label, 3);
    const double part = std::accumulate(drawn.mask.begin(), drawn.mask.end(), 0.0) / (255.0 * 64 * 64);
    EXPECT_GT(part, 0.002) << i;
    smallest = std::min(smallest, part);
    largest = std::max(largest, part);
    EXPECT_EQ(render_photographed(*hand, 3, 64, 5, i).pixels, drawn.pixels);
    EXPECT_NE(render_photographed(*hand, 3, 64, 6, i).pixels, drawn.pixels);
  }
  EXPECT_LT(smallest, 0.05);
  EXPECT_GT(largest, 0.3);
}

// The same room with a hand of another light: the picture changes where the mask is, not elsewhere. Where a
// hand is lit is drawn at random, and its mean becomes that of the room's skin: its own mean must not matter.
TEST(RenderPhotographed, TheSkinIsThatOfTheRoom) {
  auto hand = cut_out_of_wall(photograph());
  ASSERT_TRUE(hand);
  auto dark = hand;
  for (uint8_t& value : dark->picture.bytes) value = static_cast<uint8_t>(value / 2);
  for (int64_t i = 0; i < 20; ++i) {
    const auto a = render_photographed(*hand, 3, 48, 5, i).pixels,
               b = render_photographed(*dark, 3, 48, 5, i).pixels;
    double apart = 0;
    for (size_t k = 0; k < a.size(); ++k) apart += std::abs(a[k] - b[k]);
    EXPECT_LT(apart / static_cast<double>(a.size()), 2) << i;
  }
}

}  // namespace
}  // namespace mudra
