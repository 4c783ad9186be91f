// Expected bytes come from NumPy and Pillow: tests/reference/make_image_fixtures.py.
#include "mudra/features/prepare.h"

#include <gtest/gtest.h>

#include "mudra/data/image_file.h"
#include "tests/message.h"

namespace mudra {
namespace {

const std::string folder = MUDRA_SOURCE_DIR "/tests/fixtures/images/";

Image read(const std::string& name) {
  const Pixels pixels = read_images(folder + name);
  const std::span<const uint8_t> bytes = pixels.bytes(0);
  const Shape& shape = pixels.shape();
  return {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]),
          std::vector<uint8_t>(bytes.begin(), bytes.end())};
}

TEST(Prepare, AnImageAndItsDataSetGiveTheSameNumbers) {
  const Image colour = read("colour.png");
  const Preprocessing to{5, 4, 1, Fit::keep_aspect};
  std::vector<float> one(20), row(20);
  prepare(colour, to, one.data());
  const Pixels fitted = fit_to(Pixels({1, 9, 13, 3}, colour.bytes), to);
  EXPECT_TRUE(fitted.is_bytes());
  EXPECT_EQ(fitted.shape(), (Shape{1, 5, 4, 1}));
  fitted.read(0, row.data());
  EXPECT_EQ(one, row);
}

// Targets say where things are in parts of an image: stretching keeps that true, borders do not.
TEST(Prepare, BordersAreRefusedWhereTargetsWouldNotFollow) {
  Dataset data;
  data.pixels = Pixels({1, 9, 13, 3}, read("colour.png").bytes);
  data.targets = std::make_shared<StoredTargets>(Shape{1, 1, 2}, std::vector<float>{1, 0});
  EXPECT_EQ(fit_to(data, {18, 26, 1, Fit::keep_aspect}).targets, data.targets);
  EXPECT_EQ(fit_to(data, {5, 4, 3, Fit::stretch}).targets, data.targets);
  EXPECT_NE(message_of([&] {
              fit_to(data, {5, 4, 3, Fit::keep_aspect});
            }).find("--fit stretch"),
            std::string::npos);
}

TEST(Prepare, FloatPixelsAreFittedWithoutRounding) {
  const Image colour = read("colour.png");
  const Pixels bytes({1, 9, 13, 3}, colour.bytes);
  std::vector<float> values(colour.bytes.size());
  bytes.read(0, values.data());
  const Pixels fitted = fit_to(Pixels({1, 9, 13, 3}, values, 1), {7, 6, 3, Fit::stretch});
  std::vector<float> row(7 * 6 * 3), expected(row.size());
  fitted.read(0, row.data());
  read_images(folder + "colour_to_7x6_float.npy").read(0, expected.data());
  for (size_t i = 0; i < row.size(); ++i) ASSERT_NEAR(row[i], expected[i], 1e-6);
}

TEST(Prepare, StreamedImagesStayOnTheDisk) {
  struct Source final : PixelSource {
    Pixels pixels;
    void read(int64_t image, float* out) const override { pixels.read(image, out); }
  };
  const auto source = std::make_shared<Source>();
  const Image colour = read("colour.png");
  std::vector<uint8_t> twice = colour.bytes;
  twice.insert(twice.end(), colour.bytes.rbegin(), colour.bytes.rend());
  source->pixels = Pixels({2, 9, 13, 3}, twice);
  const Preprocessing to{7, 6, 3, Fit::stretch};
  const Pixels streamed = fit_to(Pixels({2, 9, 13, 3}, source), to);
  EXPECT_TRUE(streamed.is_streamed());
  const Pixels loaded = fit_to(source->pixels, to);
  std::vector<float> a(7 * 6 * 3), b(a.size());
  streamed.read(1, a.data());
  loaded.read(1, b.data());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 0.501 / 255);  // bytes are rounded once more
}

}  // namespace
}  // namespace mudra
