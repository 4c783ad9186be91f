// Which numbers mean black and white: shared by all readers of pixels that come as numbers.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/npy.h"

namespace mudra {

// The type of the numbers, for messages and for what large values mean.
struct ValueType {
  std::string name;  // "float64"
  bool whole;        // whole numbers may be 16-bit pixels, 0..65535
  bool byte;         // bytes need no mention that they are kept as such
};
ValueType value_type(const NpyHeader& header);

// The range of float pixels, seen part by part.
struct ValueRange {
  float low = INFINITY, high = -INFINITY;

  // `first` is the place of values[0] among all, `each` the values of one image. Throws Error for NaN.
  void add(std::span<const float> values, int64_t first, int64_t each, const std::string& where);
  // The value that means white: 1, 255 or 65535. Throws Error when the range is none of these.
  float white(const ValueType& type, const std::string& where) const;
};

// "pixel values 0..255 (float64)" and what else there is to say.
std::string range_note(float white, const ValueType& type, const std::string& rest);

// Recognises the range, says it in `notes`, and makes pixels of `shape`.
Pixels make_pixels(NpyValues values, const Shape& shape, const ValueType& type, const std::string& where,
                   std::vector<std::string>& notes);

}  // namespace mudra
