// Images in a program's memory are understood as those of a file, where they are.
#include "mudra/data/images_in_memory.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/data/dataset.h"

namespace mudra {
namespace {

TEST(ImagesInMemory, ShapesAreThoseOfArrayFiles) {
  const auto shape = [](std::vector<int64_t> array, int height = 0, int width = 0) {
    return image_shape(array, {.height = height, .width = width}, "images");
  };
  EXPECT_EQ(shape({5, 784}), (Shape{5, 28, 28, 1}));
  EXPECT_EQ(shape({5, 600}, 20, 30), (Shape{5, 20, 30, 1}));
  EXPECT_EQ(shape({5, 1800}, 20, 30), (Shape{5, 20, 30, 3}));
  EXPECT_EQ(shape({5, 20, 30}), (Shape{5, 20, 30, 1}));
  EXPECT_EQ(shape({5, 20, 30, 3}), (Shape{5, 20, 30, 3}));
  for (const std::vector<int64_t>& wrong :
       {std::vector<int64_t>{5, 600}, {5}, {0, 784}, {5, 3, 20, 30}, {5, 20, 30, 3, 1}})
    EXPECT_THROW(shape(wrong), Error);
}

TEST(ImagesInMemory, RangesAreRecognisedAsInFiles) {
  const auto range = [](std::vector<float> values) { return pixel_range(values, 2, {}, "images"); };
  EXPECT_EQ(range({0, 0.5F, 1, 0.25F}), (PixelRange{0, 1}));
  EXPECT_EQ(range({0, 1, 1, 0}), (PixelRange{0, 1}));
  EXPECT_EQ(range({0, 16, 3, 2}), (PixelRange{0, 255}));  // whole numbers
  EXPECT_EQ(range({0, 200.5F, 3, 2}), (PixelRange{0, 255}));
  EXPECT_EQ(range({-1, 1, -0.5F, 0.5F}), (PixelRange{-1, 1}));
  EXPECT_THROW(range({0, 16.5F, 3, 2}), Error);
  EXPECT_THROW(range({0, NAN, 3, 2}), Error);
  EXPECT_EQ(pixel_range(std::vector<float>{0, 16.5F}, 2, {.black = 0, .white = 32}, "images"),
            (PixelRange{0, 32}));
}

TEST(ImagesInMemory, RowsAreImagesIfTheyAreSquareAndLikePixels) {
  std::vector<float> rows(128, 0.5F);
  EXPECT_TRUE(look_like_images(rows, 64));
  EXPECT_FALSE(look_like_images(rows, 32));
  EXPECT_FALSE(look_like_images(rows, 16));  // of 4x4
  rows[5] = 16;
  EXPECT_FALSE(look_like_images(rows, 64));
  rows[5] = 64;
  EXPECT_TRUE(look_like_images(rows, 64));
  rows[5] = 256;
  EXPECT_FALSE(look_like_images(rows, 64));
  rows[5] = -0.1F;
  EXPECT_FALSE(look_like_images(rows, 64));
  rows[5] = NAN;
  EXPECT_FALSE(look_like_images(rows, 64));
}

TEST(ImagesInMemory, ArePixelsWithoutACopy) {
  const std::vector<uint8_t> bytes = {0, 51, 255, 102};
  const std::vector<float> floats = {0, 51, 255, 102};
  const Pixels of_bytes({2, 1, 2, 1}, {std::shared_ptr<void>(), bytes.data()});
  const Pixels of_floats({2, 1, 2, 1}, {std::shared_ptr<void>(), floats.data()}, 255);
  EXPECT_EQ(of_bytes.bytes(1).data(), bytes.data() + 2);
  EXPECT_TRUE(of_floats.is_floats());
  for (int64_t i = 0; i < 2; ++i) {
    float a[2], b[2];
    of_bytes.read(i, a);
    of_floats.read(i, b);
    EXPECT_EQ(a[0], b[0]);
    EXPECT_EQ(a[1], b[1]);
  }
}

}  // namespace
}  // namespace mudra
