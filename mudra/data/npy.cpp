#include "mudra/data/npy.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "mudra/core/error.h"
#include "mudra/core/utf8.h"

namespace mudra {
namespace {

struct Half {
  uint16_t bits;
  // IEEE 754 binary16; exact in float.
  explicit operator float() const {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
    const uint32_t exponent = bits >> 10 & 31;
    const uint32_t fraction = bits & 1023;
    if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
      const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
      return sign != 0 ? -magnitude : magnitude;
    }
    const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
    return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
  }
};

// Calls work with a value of the array's C++ type.
template <class Work>
auto with_type(const NpyArray& array, Work&& work) {
  const int size = array.item_size;
  if (array.kind == 'f') {
    return size == 2 ? work(Half{}) : size == 4 ? work(float{}) : work(double{});
  }
  if (array.kind == 'i') {
    return size == 1   ? work(int8_t{})
           : size == 2 ? work(int16_t{})
           : size == 4 ? work(int32_t{})
                       : work(int64_t{});
  }
  return size == 1   ? work(uint8_t{})  // bool too
         : size == 2 ? work(uint16_t{})
         : size == 4 ? work(uint32_t{})
                     : work(uint64_t{});
}

// Raw values to `block`, in this machine's byte order.
template <class T>
void load(const NpyArray& array, const uint8_t* raw, int64_t count, T* block) {
  std::memcpy(block, raw, static_cast<size_t>(count) * sizeof(T));
  if (!array.swapped) return;
  auto* const bytes = reinterpret_cast<uint8_t*>(block);
  for (int64_t i = 0; i < count; ++i) std::reverse(bytes + i * sizeof(T), bytes + (i + 1) * sizeof(T));
}

// Calls work(raw, count) for all values, some at a time; then reads on to the end, where an archive checks
// its checksum.
template <class Work>
void for_each_chunk(const NpyArray& array, Work work) {
  constexpr int64_t chunk_bytes = int64_t{1} << 18;
  const int64_t per_chunk = std::min(chunk_bytes / array.item_size, array.values);
  std::vector<uint8_t> raw(static_cast<size_t>(per_chunk * array.item_size));
  for (int64_t at = 0; at < array.values; at += per_chunk) {
    const int64_t count = std::min(per_chunk, array.values - at);
    read_exactly(*array.source, raw.data(), static_cast<size_t>(count * array.item_size));
    work(raw.data(), count);
  }
  char rest[4096];
  while (array.source->read(rest, sizeof rest) > 0) {
  }
}

std::string text_value(const NpyArray& array, const uint8_t* raw) {
  std::string text;
  if (array.kind == 'S') {
    text.assign(reinterpret_cast<const char*>(raw), static_cast<size_t>(array.item_size));
    text.erase(text.find_last_not_of('\0') + 1);
    return text;
  }
  std::vector<uint32_t> points(static_cast<size_t>(array.item_size / 4));
  load(array, raw, array.item_size / 4, points.data());
  while (!points.empty() && points.back() == 0) points.pop_back();
  for (const uint32_t point : points) {
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
      throw Error("holds text that is not Unicode", array.where(), "Make or copy the file again");
    }
    append_utf8(point, text);
  }
  return text;
}

template <class T>
std::string number_text(T value, const std::string& where) {
  if constexpr (std::is_same_v<T, Half>) {
    return number_text(static_cast<float>(value), where);
  } else if constexpr (std::is_floating_point_v<T>) {
    const double wide = value;
    if (!(std::fabs(wide) < 1e15) || wide != std::trunc(wide)) {
      throw Error("a label is " + std::to_string(wide) + ", neither text nor a whole number", where,
                  "Save labels as text, whole numbers or one-hot rows");
    }
    return std::to_string(static_cast<int64_t>(wide));
  } else {
    return std::to_string(value);
  }
}

}  // namespace

void npy_to_floats(const NpyArray& array, const uint8_t* raw, int64_t count, float* out) {
  with_type(array, [&]<class T>(T) {
    constexpr int64_t block_values = 1024;
    T block[block_values];
    for (int64_t at = 0; at < count; at += block_values) {
      const int64_t length = std::min(block_values, count - at);
      load(array, raw + at * array.item_size, length, block);
      for (int64_t i = 0; i < length; ++i) out[at + i] = static_cast<float>(block[i]);
    }
  });
}

void Numbers::add(std::span<const float> values) {
  if (floats.empty()) {
    int outside = 0;  // also counts NaN
    for (const float value : values) outside |= !(value >= 0) | !(value <= 255);
    const size_t before = bytes.size();
    if (outside == 0) bytes.insert(bytes.end(), values.begin(), values.end());
    if (outside == 0 && std::equal(values.begin(), values.end(), bytes.data() + before)) return;
    bytes.resize(before);  // what came so far becomes floats
    floats.reserve(bytes.capacity());
    floats.assign(bytes.begin(), bytes.end());
    bytes = {};
  }
  floats.insert(floats.end(), values.begin(), values.end());
}

Numbers read_npy_numbers(const NpyArray& array) {
  Numbers numbers;
  numbers.bytes.reserve(static_cast<size_t>(array.values));
  std::vector<float> floats;
  for_each_chunk(array, [&](const uint8_t* raw, int64_t count) {
    if (array.item_size == 1 && array.kind != 'i') {
      numbers.bytes.insert(numbers.bytes.end(), raw, raw + count);
      return;
    }
    floats.resize(static_cast<size_t>(count));
    npy_to_floats(array, raw, count, floats.data());
    numbers.add(floats);
  });
  return numbers;
}

void read_npy_labels(const NpyArray& array, const std::function<void(std::string_view)>& take) {
  for_each_chunk(array, [&](const uint8_t* raw, int64_t count) {
    for (const uint8_t* item = raw; item < raw + count * array.item_size; item += array.item_size) {
      if (array.is_text()) {
        take(text_value(array, item));
      } else {
        with_type(array, [&]<class T>(T value) {
          load(array, item, 1, &value);
          take(number_text(value, array.where()));
        });
      }
    }
  });
}

}  // namespace mudra
