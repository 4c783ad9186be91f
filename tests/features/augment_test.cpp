// Reference values come from NumPy and Pillow: tests/reference/augment.py.
#include "mudra/features/augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "mudra/core/error.h"
#include "mudra/core/portable_math.h"
#include "mudra/features/augment_kernels.h"
#include "tests/reference.h"
#include "tests/targets.h"

namespace mudra {
namespace {

const char* const everything =
    "rotate 15, scale 0.1, shear 0.1, shift 2, elastic 2, brightness 0.2, gamma 0.3, noise 0.02, blur 0.8, "
    "erase 0.2, flip 0.5, background 0.5, jpeg 40";

// Any pixels, every tenth image a bright spot on black.
std::vector<float> some_images(const Shape& shape) {
  std::vector<float> images(static_cast<size_t>(shape.elements()));
  Rng rng(7, Purpose::test);
  for (float& v : images) v = static_cast<float>(rng.uniform());
  return images;
}

// Smooth, so that JPEG has little to lose.
std::vector<float> smooth_image(int height, int width, int channels) {
  std::vector<float> image;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        image.push_back(static_cast<float>(0.5 + 0.4 * portable::sin(0.3 * x + 0.2 * y * (c + 1) + c)));
      }
    }
  }
  return image;
}

std::vector<float> warped(const std::vector<float>& image, int height, int width, int channels,
                          const WarpMap& map) {
  std::vector<float> out(image.size() + warp_padding, NAN);
  warp_image(image.data(), height, width, channels, map, out.data());
  out.resize(image.size());
  return out;
}

std::vector<float> augmented(const char* text, std::vector<float> images, const Shape& shape,
                             std::vector<Row> numbers, uint64_t seed = 1, uint32_t epoch = 1,
                             int threads = 1) {
  Augmenter augmenter(Augmentation::parse(text), {1, shape[1], shape[2], shape[3]}, shape[0]);
  ThreadTeam team(threads);
  augmenter.apply(images.data(), shape[0], seed, epoch, numbers, team);
  return images;
}

std::vector<Row> numbers_to(int64_t count) {
  std::vector<Row> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(static_cast<Row>(i));
  return numbers;
}

void write_raw(const std::filesystem::path& path, const std::vector<float>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(float)));
}

TEST(Augment, NoChangeLeavesImagesBitForBit) {
  const Shape shape{5, 9, 7, 3};
  const auto images = some_images(shape);
  for (const char* text : {"", "  ", "rotate 0, noise 0, jpeg 0, flip 0"}) {
    EXPECT_FALSE(Augmentation::parse(text).any());
    EXPECT_EQ(augmented(text, images, shape, numbers_to(5)), images) << text;
  }
  EXPECT_EQ(warped(images, 45, 7, 3, {}), images);
  EXPECT_EQ(augmented("scale 1e-12", images, shape, numbers_to(5)), images);
}

TEST(Augment, AQuarterTurnMovesPixelsExactly) {
  const int n = 21;
  const auto image = some_images({1, n, n, 1});
  const double angle = portable::pi / 2;
  const float c = static_cast<float>(portable::cos(angle)), s = static_cast<float>(portable::sin(angle));
  const auto turned = warped(image, n, n, 1, {c, s, 0, -s, c, 0});
  for (int y = 0; y < n; ++y) {  // clockwise: the left column becomes the top row, from its end
    for (int x = 0; x < n; ++x) {
      ASSERT_NEAR(turned[static_cast<size_t>(y * n + x)], image[static_cast<size_t>((n - 1 - x) * n + y)],
                  2e-6);
    }
  }
}

TEST(Augment, AShiftByWholePixelsRepeatsTheEdge) {
  const int height = 6, width = 19;
  const auto image = some_images({1, height, width, 3});
  WarpMap map;
  map.x0 = -3, map.y0 = 2;  // to the right and up
  const auto shifted = warped(image, height, width, 3, map);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int from = (std::min(y + 2, height - 1) * width + std::max(x - 3, 0)) * 3 + c;
        ASSERT_EQ(shifted[static_cast<size_t>((y * width + x) * 3 + c)], image[static_cast<size_t>(from)]);
      }
    }
  }
}

TEST(Augment, FlipAlwaysMirrors) {
  const Shape shape{2, 4, 5, 1};
  const auto images = some_images(shape);
  const auto flipped = augmented("flip 1", images, shape, {4, 8});
  for (size_t row = 0; row < 8; ++row) {
    for (size_t x = 0; x < 5; ++x) ASSERT_EQ(flipped[row * 5 + x], images[row * 5 + 4 - x]);
  }
}

TEST(Augment, WarpMatchesNumPy) {
  if (!python_has("numpy")) GTEST_SKIP() << "needs python3-numpy";
  const ScratchFolder folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  const int height = 13, width = 22;
  for (const int channels : {1, 3}) {
    for (const bool elastic : {false, true}) {
      const auto image = some_images({1, height, width, channels});
      std::vector<float> dx, dy;
      Rng rng(3, Purpose::test);
      for (int i = 0; i < height * width; ++i) {
        dx.push_back(static_cast<float>(rng.uniform(-2, 2)));
        dy.push_back(static_cast<float>(rng.uniform(-2, 2)));
      }
      write_raw(file("in"), image), write_raw(file("dx"), dx), write_raw(file("dy"), dy);
      std::string arguments = "warp " + file("in") + " " + file("out") + " 13 22 " +
                              std::to_string(channels) + " 0.9 0.25 1.5 -0.3 1.125 -0.75";
      if (elastic) arguments += " " + file("dx") + " " + file("dy");
      ASSERT_EQ(run_reference("augment.py", arguments), 0);
      const auto expected = read_raw<float>(file("out"));
      dx.resize(dx.size() + warp_padding), dy.resize(dy.size() + warp_padding);
      WarpMap map{0.9F, 0.25F, 1.5F, -0.3F, 1.125F, -0.75F};
      if (elastic) map.dx = dx.data(), map.dy = dy.data();
      const auto out = warped(image, height, width, channels, map);
      ASSERT_EQ(out.size(), expected.size());
      for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 1e-5) << i;
    }
  }
}

TEST(Augment, KernelsAgreeOnEveryInstructionSet) {
  const int height = 13, width = 22;
  const auto image = some_images({1, height, width, 3});
  std::vector<std::pair<int64_t, std::vector<float>>> results;
  for_each_target([&](int64_t target) {
    auto out = warped(image, height, width, 3, {0.9F, 0.25F, 1.5F, -0.3F, 1.125F, -0.75F});
    change_values(out.data(), static_cast<int64_t>(out.size()), {1.1F, 1.3F, 0.02F, {5, 6}});
    results.emplace_back(target, out);
  });
  ASSERT_FALSE(results.empty());
  if (results.size() == 1) GTEST_SKIP() << "this machine or build has one instruction set only";
  for (const auto& [target, out] : results) {
    for (size_t i = 0; i < out.size(); ++i) {
      if (is_fused(target)) {
        ASSERT_EQ(out[i], results[0].second[i]) << hwy::TargetName(target) << " at " << i;
      } else {
        ASSERT_NEAR(out[i], results[0].second[i], 2e-6) << hwy::TargetName(target) << " at " << i;
      }
    }
  }
}

TEST(Augment, JpegMatchesAFileByPillow) {
  if (!python_has("numpy, PIL")) GTEST_SKIP() << "needs python3-numpy and python3-pil";
  const ScratchFolder folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  for (const int channels : {1, 3}) {
    for (const int quality : {20, 50, 90}) {
      auto image = smooth_image(21, 30, channels);
      Rng rng(5, Purpose::test);
      for (float& v : image) v = std::clamp(v + static_cast<float>(rng.uniform(-0.1, 0.1)), 0.F, 1.F);
      write_raw(file("in"), image);
      ASSERT_EQ(run_reference("augment.py", "jpeg " + file("in") + " " + file("out") + " 21 30 " +
                                                std::to_string(channels) + " " + std::to_string(quality)),
                0);
      const auto expected = read_raw<float>(file("out"));
      const auto before = image;
      JpegArtefacts().apply(image.data(), 21, 30, channels, quality);
      double difference = 0, loss = 0;
      for (size_t i = 0; i < image.size(); ++i) {
        difference += std::fabs(image[i] - expected[i]) * 255 / static_cast<double>(image.size());
        loss += std::fabs(before[i] - expected[i]) * 255 / static_cast<double>(image.size());
      }
      // Pillow's library rounds coefficients to eighths of a level before it divides by the step: a few of a
      // hundred then come out one step away. A wrong table or quality differs as much as JPEG itself loses.
      EXPECT_LT(difference, loss / 5) << channels << " at " << quality;
      EXPECT_GT(loss, 0.5);
    }
  }
}

TEST(Augment, NoiseHasItsDeviationAndNoPattern) {
  const Shape shape{400, 28, 28, 1};
  std::vector<float> images(static_cast<size_t>(shape.elements()), 0.5F);
  images = augmented("noise 0.1", images, shape, numbers_to(400));
  double sum = 0, squares = 0, along = 0, between = 0;
  const size_t count = images.size();
  for (size_t i = 0; i < count; ++i) {
    const double v = images[i] - 0.5;
    sum += v, squares += v * v;
    if (i + 1 < count) along += v * (images[i + 1] - 0.5);
    if (i + 784 < count) between += v * (images[i + 784] - 0.5);
  }
  const double n = static_cast<double>(count);
  // Standard errors: 0.1 / sqrt(n) = 1.8e-4 and, of correlations, 1 / sqrt(n) = 1.8e-3.
  EXPECT_NEAR(sum / n, 0, 9e-4);
  EXPECT_NEAR(std::sqrt(squares / n), 0.1, 5e-4);
  EXPECT_NEAR(along / squares, 0, 9e-3);
  EXPECT_NEAR(between / squares, 0, 9e-3);
}

TEST(Augment, BrightnessAndGammaMoveValuesTheirWay) {
  const Shape shape{1, 1, 3, 1};
  for (Row number = 0; number < 20; ++number) {
    const auto bright = augmented("brightness 0.2", {0, 0.3F, 0.6F}, shape, {number});
    EXPECT_EQ(bright[0], 0);
    EXPECT_NEAR(bright[2] / bright[1], 2, 1e-6);
    EXPECT_NEAR(bright[1] / 0.3, 1, 0.2001);
    const auto curved = augmented("gamma 0.5", {0, 0.25F, 0.5F}, shape, {number});
    EXPECT_EQ(curved[0], 0);
    const double power = std::log(curved[2]) / std::log(0.5);
    EXPECT_NEAR(std::log(curved[1]) / std::log(0.25), power, 1e-5);
    EXPECT_GT(power, 1 / 1.5001);
    EXPECT_LT(power, 1.5001);
  }
}

TEST(Augment, BlurKeepsTheMeanAndSpreadsAPoint) {
  const Shape shape{1, 31, 31, 1};
  std::vector<float> image(961);
  image[480] = 1;
  double widest = 0;
  for (Row number = 0; number < 20; ++number) {
    const auto blurred = augmented("blur 2", image, shape, {number});
    double sum = 0, squares = 0;
    for (int i = 0; i < 961; ++i) {
      sum += blurred[static_cast<size_t>(i)];
      squares += blurred[static_cast<size_t>(i)] * (i % 31 - 15) * (i % 31 - 15);
    }
    EXPECT_NEAR(sum, 1, 1e-4);
    widest = std::max(widest, std::sqrt(squares));
  }
  EXPECT_GT(widest, 1.5);
  EXPECT_LT(widest, 2.01);
}

TEST(Augment, EraseCoversNoMoreThanItsShareWithOneGrey) {
  const Shape shape{50, 20, 30, 1};
  const std::vector<float> images(static_cast<size_t>(shape.elements()), 2);  // no grey is 2
  const auto erased = augmented("erase 0.3", images, shape, numbers_to(50));
  int touched = 0;
  for (size_t i = 0; i < 50; ++i) {
    int changed = 0;
    float grey = 2;
    for (size_t p = i * 600; p < (i + 1) * 600; ++p) {
      if (erased[p] == 2) continue;
      if (grey == 2) grey = erased[p];
      EXPECT_EQ(erased[p], grey);
      ++changed;
    }
    EXPECT_LE(changed, 0.3 * 600 * 1.15);  // sides are whole numbers
    touched += changed > 0;
  }
  EXPECT_GT(touched, 40);
}

TEST(Augment, BackgroundReplacesOnlyTheBlackAroundAHand) {
  const Shape shape{1, 16, 16, 1};
  std::vector<float> image(256);
  for (size_t y = 4; y < 12; ++y) {
    for (size_t x = 4; x < 12; ++x) image[y * 16 + x] = 0.8F;
  }
  image[7 * 16 + 7] = 0;  // a shadow within the hand
  const auto replaced = augmented("background 1", image, shape, {3});
  for (size_t i = 0; i < 256; ++i) {
    const bool hand = i / 16 >= 4 && i / 16 < 12 && i % 16 >= 4 && i % 16 < 12;
    if (hand) {
      EXPECT_EQ(replaced[i], image[i]);
    }
  }
  EXPECT_NE(replaced[0], 0);
  const auto wall = some_images(shape);
  EXPECT_EQ(augmented("background 1", wall, shape, {3}), wall) << "a picture with a background of its own";
}

TEST(Augment, ResultsDependOnNeitherThreadsNorTheBatch) {
  const Shape shape{23, 12, 15, 1};
  auto images = some_images(shape);
  for (size_t i = 0; i < images.size(); ++i) images[i] *= i % 15 > 4 && i % 15 < 10;  // cut out
  auto numbers = numbers_to(23);
  for (Row& number : numbers) number += 1000;
  const auto one = augmented(everything, images, shape, numbers);
  EXPECT_NE(one, images);
  EXPECT_EQ(augmented(everything, images, shape, numbers, 1, 1, 4), one);
  for (const size_t i : {size_t{0}, size_t{22}}) {
    const std::vector<float> alone(images.begin() + static_cast<long>(i * 180),
                                   images.begin() + static_cast<long>(i * 180 + 180));
    const auto changed = augmented(everything, alone, {1, 12, 15, 1}, {numbers[i]});
    EXPECT_EQ(std::memcmp(changed.data(), one.data() + i * 180, 180 * sizeof(float)), 0);
  }
  EXPECT_NE(augmented(everything, images, shape, numbers, 2), one) << "another seed";
  EXPECT_NE(augmented(everything, images, shape, numbers, 1, 2), one) << "another epoch";
}

TEST(Augment, AnotherSettingLeavesTheDrawsOfTheFirst) {
  const Shape shape{4, 11, 13, 1};
  const auto images = some_images(shape);
  const auto turned = augmented("rotate 20", images, shape, numbers_to(4));
  EXPECT_EQ(augmented("rotate 20, erase 1e-9", images, shape, numbers_to(4)), turned);
}

TEST(Augmentation, TextReadsBackAsItself) {
  const Augmentation read = Augmentation::parse("  noise 0.02,rotate 15 , scale 0.1");
  EXPECT_EQ(read.text(), "rotate 15, scale 0.1, noise 0.02");
  EXPECT_EQ(Augmentation::parse(read.text()), read);
  EXPECT_EQ(Augmentation::parse(everything).text(), everything);
  EXPECT_EQ(Augmentation().text(), "");
}

TEST(Augmentation, ErrorsSayWhatIsWrongAndWhatIsPossible) {
  const std::pair<const char*, const char*> cases[] = {
      {"rotat 15", "augment item 'rotat 15': no change is called 'rotat'. Did you mean 'rotate'?"},
      {"rotate", "augment item 'rotate': how much is missing. Give a number from 0 to 180"},
      {"rotate much", "augment item 'rotate much': 'much' is not possible. Give a number from 0 to 180"},
      {"rotate 15x", "augment item 'rotate 15x': '15x' is not possible. Give a number from 0 to 180"},
      {"rotate -1", "augment item 'rotate -1': '-1' is not possible. Give a number from 0 to 180"},
      {"rotate nan", "augment item 'rotate nan': 'nan' is not possible. Give a number from 0 to 180"},
      {"scale 1", "augment item 'scale 1': '1' is not possible. Give a number from 0 to 0.9"},
      {"jpeg 96", "augment item 'jpeg 96': '96' is not possible. Give a number from 0 to 95"},
      {"shift 2 3",
       "augment item 'shift 2 3': '3' is not expected here. Write items such as `rotate 15, shift 2`"},
      {"shift 2,",
       "augment item '': there is nothing between two commas. Write items such as `rotate 15, shift 2`"},
      {"shift 2,shift 3", "augment item 'shift 3': 'shift' is there twice. Keep one of them"},
  };
  for (const auto& [text, message] : cases) {
    try {
      Augmentation::parse(text);
      FAIL() << text << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_EQ(std::string(error.what()).substr(0, std::strlen(message)), message);
    }
  }
}

}  // namespace
}  // namespace mudra
