// What each setting does to an image, told from the changed image alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mudra/core/portable_math.h"
#include "mudra/features/augment.h"

namespace mudra {
namespace {

std::vector<float> with_settings(const std::string& text, std::vector<float> image, const Shape& shape,
                                 Row number) {
  Augmenter augmenter(Augmentation::parse(text), {1, shape[1], shape[2], shape[3]}, 1);
  ThreadTeam team(1);
  augmenter.apply(image.data(), 1, 1, 1, std::span(&number, 1), team);
  return image;
}

// Where output pixels come from: x_in = xx x + xy y + x0, y_in = yx x + yy y + y0, from the middle.
struct Map {
  double xx, xy, x0, yx, yy, y0;
};

constexpr int side = 41, middle = 20;
constexpr double step = 0.01;

// An image that tells its own coordinates: bilinear sampling of a plane is exact.
std::vector<float> coordinates() {
  std::vector<float> image;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      image.push_back(static_cast<float>(0.5 + step * (x - middle)));
      image.push_back(static_cast<float>(0.5 + step * (y - middle)));
      image.push_back(0.5F);
    }
  }
  return image;
}

Map map_of(const std::string& text, Row number) {
  const auto image = with_settings(text, coordinates(), {1, side, side, 3}, number);
  const auto at = [&](int x, int y, int channel) {
    const auto place = static_cast<size_t>(((middle + y) * side + middle + x) * 3 + channel);
    return (static_cast<double>(image[place]) - 0.5) / step;
  };
  const auto slope_x = [&](int channel) { return (at(5, 0, channel) - at(-5, 0, channel)) / 10; };
  const auto slope_y = [&](int channel) { return (at(0, 5, channel) - at(0, -5, channel)) / 10; };
  return {slope_x(0), slope_y(0), at(0, 0, 0), slope_x(1), slope_y(1), at(0, 0, 1)};
}

constexpr double close = 1e-4;
constexpr Row images = 40;

// Values seen over many images run over most of [-most, most].
void expect_either_side(const std::vector<double>& values, double most) {
  const auto [low, high] = std::ranges::minmax(values);
  EXPECT_GE(low, -most - close);
  EXPECT_LE(high, most + close);
  EXPECT_LT(low, -0.6 * most);
  EXPECT_GT(high, 0.6 * most);
}

TEST(AugmentSettings, RotateTurnsAboutTheMiddle) {
  std::vector<double> degrees;
  for (Row number = 0; number < images; ++number) {
    const Map m = map_of("rotate 30", number);
    EXPECT_NEAR(m.xx, m.yy, close);
    EXPECT_NEAR(m.xy, -m.yx, close);
    EXPECT_NEAR(m.xx * m.yy - m.xy * m.yx, 1, close);
    EXPECT_NEAR(m.x0, 0, 1e-3);
    EXPECT_NEAR(m.y0, 0, 1e-3);
    degrees.push_back(portable::atan2(m.xy, m.xx) * 180 / portable::pi);
  }
  expect_either_side(degrees, 30);
}

TEST(AugmentSettings, ScaleEnlargesBothAxesAlike) {
  std::vector<double> zooms;
  for (Row number = 0; number < images; ++number) {
    const Map m = map_of("scale 0.2", number);
    EXPECT_NEAR(m.xx, m.yy, close);
    EXPECT_NEAR(m.xy, 0, close);
    EXPECT_NEAR(m.yx, 0, close);
    zooms.push_back(1 / m.xx - 1);
  }
  expect_either_side(zooms, 0.2);
}

TEST(AugmentSettings, ShearMovesRowsAlongThemselves) {
  std::vector<double> shears;
  for (Row number = 0; number < images; ++number) {
    const Map m = map_of("shear 0.3", number);
    EXPECT_NEAR(m.xx, 1, close);
    EXPECT_NEAR(m.yy, 1, close);
    EXPECT_NEAR(m.yx, 0, close);
    shears.push_back(m.xy);
  }
  expect_either_side(shears, 0.3);
}

TEST(AugmentSettings, ShiftMovesEachAxisByItself) {
  std::vector<double> x, y;
  double together = 0;
  for (Row number = 0; number < images; ++number) {
    const Map m = map_of("shift 3", number);
    EXPECT_NEAR(m.xx, 1, close);
    EXPECT_NEAR(m.yy, 1, close);
    x.push_back(m.x0);
    y.push_back(m.y0);
    together += m.x0 * m.y0;
  }
  expect_either_side(x, 3);
  expect_either_side(y, 3);
  EXPECT_LT(std::fabs(together) / images, 1.5);  // 3 if they moved as one
}

// Output p shows the input at M^-1 (p - shift), M = rotate * zoom * shear * flip: the parts, each seen alone,
// put together.
TEST(AugmentSettings, AllGeometricOnesAreOneWarp) {
  for (Row number = 0; number < images; ++number) {
    const Map r = map_of("rotate 30", number), z = map_of("scale 0.2", number);
    const Map s = map_of("shear 0.3", number), t = map_of("shift 3", number);
    const auto product = [](const Map& a, const Map& b) {
      return Map{a.xx * b.xx + a.xy * b.yx, a.xx * b.xy + a.xy * b.yy, 0,
                 a.yx * b.xx + a.yy * b.yx, a.yx * b.xy + a.yy * b.yy, 0};
    };
    const Map expected = product(product({-1, 0, 0, 0, 1, 0}, s), product(z, r));
    const Map all = map_of("rotate 30, scale 0.2, shear 0.3, shift 3, flip 1", number);
    EXPECT_NEAR(all.xx, expected.xx, 4 * close);
    EXPECT_NEAR(all.xy, expected.xy, 4 * close);
    EXPECT_NEAR(all.yx, expected.yx, 4 * close);
    EXPECT_NEAR(all.yy, expected.yy, 4 * close);
    EXPECT_NEAR(all.x0, expected.xx * t.x0 + expected.xy * t.y0, 0.01);
    EXPECT_NEAR(all.y0, expected.yx * t.x0 + expected.yy * t.y0, 0.01);
  }
}

// Uniform cubic B-splines reproduce constants and straight lines.
TEST(AugmentSettings, AnElasticFieldKeepsPlanes) {
  constexpr int height = 13, width = 22, points = SmoothField::points, cells = SmoothField::cells;
  const SmoothField field(height, width);
  std::vector<float> grid, out(height * width);
  for (int j = 0; j < points; ++j) {
    for (int i = 0; i < points; ++i) grid.push_back(static_cast<float>(2 + 3 * i - 5 * j));
  }
  field.draw(grid.data(), out.data());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double i = (x + 0.5) * cells / width + 1, j = (y + 0.5) * cells / height + 1;
      EXPECT_NEAR(out[static_cast<size_t>(y * width + x)], 2 + 3 * i - 5 * j, 1e-4);
    }
  }
}

TEST(AugmentSettings, ElasticMovesPixelsNoFurtherThanItSays) {
  double most = 0;
  for (Row number = 0; number < images; ++number) {
    const auto image = with_settings("elastic 4", coordinates(), {1, side, side, 3}, number);
    for (int y = 5; y < side - 5; ++y) {
      for (int x = 5; x < side - 5; ++x) {
        for (int c = 0; c < 2; ++c) {
          const double from =
              (static_cast<double>(image[static_cast<size_t>((y * side + x) * 3 + c)]) - 0.5) / step;
          most = std::max(most, std::fabs(from - ((c == 0 ? x : y) - middle)));
        }
      }
    }
  }
  EXPECT_LE(most, 4 + 1e-3);
  EXPECT_GT(most, 1);
}

TEST(AugmentSettings, BlurDoesTheSameFromEverySide) {
  const int n = 9;
  std::vector<float> image(n * n), mirrored(n * n), turned(n * n);
  Rng rng(1, Purpose::test);
  for (float& value : image) value = static_cast<float>(rng.uniform());
  const auto place = [](int y, int x) { return static_cast<size_t>(y * n + x); };
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      mirrored[place(y, n - 1 - x)] = turned[place(x, y)] = image[place(y, x)];
    }
  }
  for (Row number = 0; number < 10; ++number) {
    const auto a = with_settings("blur 2", image, {1, n, n, 1}, number);
    const auto b = with_settings("blur 2", mirrored, {1, n, n, 1}, number);
    const auto c = with_settings("blur 2", turned, {1, n, n, 1}, number);
    for (int y = 0; y < n; ++y) {
      for (int x = 0; x < n; ++x) {
        EXPECT_NEAR(b[place(y, n - 1 - x)], a[place(y, x)], 1e-6);
        EXPECT_NEAR(c[place(x, y)], a[place(y, x)], 1e-6);
      }
    }
  }
}

TEST(AugmentSettings, EraseReachesEveryPixel) {
  const Shape shape{1, 4, 7, 1};
  std::vector<int> erased(28);
  for (Row number = 0; number < 300; ++number) {
    const auto image = with_settings("erase 0.5", std::vector<float>(28, 2), shape, number);
    for (size_t i = 0; i < 28; ++i) erased[i] += image[i] != 2;
  }
  EXPECT_GT(std::ranges::min(erased), 10);
}

TEST(AugmentSettings, ABackgroundReachesIntoBaysOfEverySide) {
  const Shape shape{1, 16, 16, 1};
  std::vector<float> image(256);
  for (size_t y = 2; y < 14; ++y) std::fill_n(image.begin() + static_cast<long>(y * 16 + 2), 12, 0.8F);
  std::vector<size_t> bays;
  for (size_t i = 2; i < 6; ++i) {
    for (const size_t pixel : {8 * 16 + i, 8 * 16 + 15 - i, i * 16 + 8, (15 - i) * 16 + 8})
      bays.push_back(pixel);
  }
  for (const size_t pixel : bays) image[pixel] = 0;
  float low = 1, high = 0;
  for (Row number = 0; number < 100; ++number) {
    const auto replaced = with_settings("background 1", image, shape, number);
    const auto [least, most] = std::ranges::minmax(replaced);
    low = std::min(low, least), high = std::max(high, most);
    if (number > 0) continue;
    for (const size_t pixel : bays) EXPECT_NE(replaced[pixel], 0) << pixel;
  }
  EXPECT_GE(low, 0);
  EXPECT_LE(high, 1);
}

TEST(AugmentSettings, ValuesStayBetweenBlackAndWhite) {
  const Shape shape{1, 4, 4, 1};
  for (const char* text : {"brightness 0.9", "noise 0.5", "brightness 0.9, gamma 2, noise 0.5"}) {
    for (Row number = 0; number < 50; ++number) {
      const auto [low, high] =
          std::ranges::minmax(with_settings(text, std::vector<float>(16, 0.9F), shape, number));
      EXPECT_GE(low, 0) << text;
      EXPECT_LE(high, 1) << text;
    }
  }
}

TEST(AugmentSettings, JpegIsNoWorseThanItSays) {
  const Shape shape{1, 16, 16, 1};
  std::vector<float> image;
  for (int i = 0; i < 256; ++i)
    image.push_back(static_cast<float>(0.5 + 0.4 * portable::sin(0.3 * (i % 16) + 0.2 * (i / 16))));
  double worst = 0, worst_of_low = 0;
  for (Row number = 0; number < 50; ++number) {
    const auto high = with_settings("jpeg 90", image, shape, number),
               low = with_settings("jpeg 5", image, shape, number);
    for (size_t i = 0; i < 256; ++i) {
      worst = std::max(worst, std::fabs(static_cast<double>(high[i] - image[i])));
      worst_of_low = std::max(worst_of_low, std::fabs(static_cast<double>(low[i] - image[i])));
    }
  }
  EXPECT_LT(worst, 0.04);
  EXPECT_GT(worst_of_low, 0.08);
}

// At quality 100 only rounding is lost, so colours come back as they were.
TEST(AugmentSettings, JpegKeepsFlatColours) {
  Rng rng(1, Purpose::test);
  double bias[3] = {};
  constexpr int colours = 400;
  for (int i = 0; i < colours; ++i) {
    const int rgb[3] = {40 + static_cast<int>(rng.below(60)), 40 + static_cast<int>(rng.below(60)),
                        190 + static_cast<int>(rng.below(60))};
    std::vector<float> image;
    for (int pixel = 0; pixel < 64; ++pixel) {
      for (const int value : rgb) image.push_back(static_cast<float>(value) / 255);
    }
    JpegArtefacts().apply(image.data(), 8, 8, 3, 100);
    for (int c = 0; c < 3; ++c) {
      const double error = static_cast<double>(image[static_cast<size_t>(c)]) * 255 - rgb[c];
      EXPECT_LT(std::fabs(error), 2.5);
      bias[c] += error / colours;
    }
  }
  for (const double mean : bias) EXPECT_NEAR(mean, 0, 0.2);
}

// `elastic` draws a grid that only it needs, which moves the draws of a background alone.
TEST(AugmentSettings, NoSettingMovesTheDrawsOfAnother) {
  const Shape shape{1, 12, 12, 1};
  std::vector<float> image(144);
  Rng rng(2, Purpose::test);
  for (float& value : image) value = static_cast<float>(rng.uniform(0.2, 0.8));
  const char* const first = "rotate 20, erase 0.3, brightness 0.1";
  for (const char* second :
       {"scale", "shear", "shift", "elastic", "gamma", "noise", "blur", "flip", "background"}) {
    for (Row number = 0; number < 5; ++number) {
      const auto alone = with_settings(first, image, shape, number);
      const auto both = with_settings(std::string(first) + ", " + second + " 1e-9", image, shape, number);
      for (size_t i = 0; i < 144; ++i) ASSERT_NEAR(both[i], alone[i], 1e-5) << second;
    }
  }
}

}  // namespace
}  // namespace mudra
