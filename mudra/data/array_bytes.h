// The bytes of .npy and IDX files, made row by row so that data of any size can be written. Internal to
// data/.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"

namespace mudra {

// A header, then `rows` times `row_bytes` bytes.
struct ArrayBytes {
  std::string header;
  int64_t rows = 0;
  size_t row_bytes = 0;
  std::function<void(int64_t row, uint8_t* out)> fill;

  uint64_t size() const { return header.size() + static_cast<uint64_t>(rows) * row_bytes; }
};

// True when the images can be written as bytes and are read back as the same.
bool writes_bytes(const Pixels& pixels);

ArrayBytes npy_pixels(const Pixels& pixels);
// The text of each index, as '<U'.
ArrayBytes npy_texts(const std::vector<std::string>& names, std::span<const int32_t> indices);

ArrayBytes idx_pixels(const Pixels& pixels);
// Throws Error when a class is no whole number.
ArrayBytes idx_labels(const Dataset& data);

}  // namespace mudra
