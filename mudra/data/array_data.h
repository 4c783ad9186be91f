// Images and labels out of numbers: .npy, .npz members, IDX and CSV. Internal to data/.
#pragma once

#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/npy.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

// Height, width and channels of images given as flat rows of `values` numbers: options.height x width where
// that fits, or a square.
Shape flat_image_shape(int64_t images, int64_t values, const ReadOptions& options, const std::string& where);

// The type of the numbers, for messages and for what large values mean.
struct ValueType {
  std::string name;  // "float64"
  bool whole;        // whole numbers may be 16-bit pixels, 0..65535
  bool byte;         // bytes need no mention that they are kept as such
};

// Recognises the range unless options give it, says it in `notes`, and makes pixels of `shape`.
Pixels make_pixels(Numbers numbers, const Shape& shape, const ReadOptions& options, const ValueType& type,
                   const std::string& where, std::vector<std::string>& notes);

// Loads the images, or streams them when there are more than options.stream_above values.
Pixels array_pixels(NpyArray array, const ReadOptions& options, std::vector<std::string>& notes);

// One label for each of `images` images: text [N] or [N, 1], whole numbers, or one-hot rows [N, K].
void array_labels(const NpyArray& array, int64_t images, const ReadOptions& options,
                  std::vector<std::string>& names, std::vector<int32_t>& labels);

}  // namespace mudra
