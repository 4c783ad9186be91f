// Images that a program has in memory already are understood as those of an array file are.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "mudra/core/shape.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

// The values that mean black and white.
struct PixelRange {
  float black = 0, white = 1;
  bool operator==(const PixelRange&) const = default;
};

// [N, H, W, C] of an array's shape, [N, H*W], [N, H, W] or [N, H, W, C] with C 1 or 3; flat rows have
// options.height x width, or are square. Throws Error, whose place is `where`, for any other.
Shape image_shape(std::span<const int64_t> array, const ReadOptions& options, const std::string& where);

// What the pixels of images of `each` values mean: what options say, or as recognised in a file. Throws Error
// for values that are no pixels, or no finite numbers.
PixelRange pixel_range(std::span<const float> values, int64_t each, const ReadOptions& options,
                       const std::string& where);

// Whether rows of `each` values that may be images or features are images: square, of 8x8 at least, from 0
// to 1, or to 255 with one above 63.
bool look_like_images(std::span<const float> rows, int64_t each);

}  // namespace mudra
