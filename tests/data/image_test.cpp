// Expected bytes come from NumPy and Pillow: tests/reference/make_image_fixtures.py.
#include "mudra/data/image.h"

#include <gtest/gtest.h>

#include "mudra/data/image_file.h"

namespace mudra {
namespace {

const std::string images_folder = MUDRA_SOURCE_DIR "/tests/fixtures/images/";

Image read_fixture(const std::string& name) {
  const Pixels pixels = read_images(images_folder + name);
  const std::span<const uint8_t> bytes = pixels.bytes(0);
  const Shape& shape = pixels.shape();
  return {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]),
          std::vector<uint8_t>(bytes.begin(), bytes.end())};
}

TEST(Fitter, BringsBytesToAnySizeExactlyAsNumPy) {
  const Image colour = read_fixture("colour.png");
  for (const ImageSize size :
       {ImageSize{28, 28}, {5, 4}, {4, 20}, {20, 5}, {1, 1}, {9, 13}, {10, 14}, {3, 13}}) {
    const std::string text = std::to_string(size.height) + "x" + std::to_string(size.width);
    EXPECT_EQ(fit(colour, {size.height, size.width, 3, Fit::stretch}),
              read_fixture("colour_to_" + text + ".npy"))
        << text;
  }
}

TEST(Fitter, TurnsGreyFirst) {
  EXPECT_EQ(fit(read_fixture("colour.png"), {5, 4, 1, Fit::stretch}), read_fixture("colour_to_5x4_grey.npy"));
}

TEST(Fitter, KeepsTheAspectOnBlack) {
  EXPECT_EQ(fit(read_fixture("colour.png"), {12, 12, 3, Fit::keep_aspect}),
            read_fixture("colour_kept_12x12.npy"));
  EXPECT_EQ(fit(read_fixture("colour.png"), {6, 20, 3, Fit::keep_aspect}),
            read_fixture("colour_kept_6x20.npy"));
}

TEST(Fitter, GreyToColourRepeatsTheValue) {
  const Image grey = read_fixture("grey.png"), colour = fit(grey, {9, 13, 3, Fit::stretch});
  for (size_t i = 0; i < colour.bytes.size(); ++i) ASSERT_EQ(colour.bytes[i], grey.bytes[i / 3]);
}

}  // namespace
}  // namespace mudra
