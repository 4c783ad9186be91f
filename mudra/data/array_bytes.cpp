#include "mudra/data/array_bytes.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <memory>

#include "mudra/core/error.h"
#include "mudra/core/utf8.h"

namespace mudra {
namespace {

static_assert(std::endian::native == std::endian::little, "files are written in this machine's byte order");

std::string npy_header(const std::string& type, const Shape& shape) {
  std::string sizes;
  for (int axis = 0; axis < shape.rank(); ++axis) sizes += std::to_string(shape[axis]) + ", ";
  if (shape.rank() > 1) sizes.resize(sizes.size() - 2);
  if (shape.rank() == 1) sizes.pop_back();
  std::string text = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  text.append(63 - (10 + text.size()) % 64, ' ');  // values start at a multiple of 64
  text += '\n';
  std::string header("\x93NUMPY\x01\0", 8);
  header += static_cast<char>(text.size() & 255);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

// Images without an axis for their only channel: [N, H, W].
Shape file_shape(const Pixels& pixels) {
  const Shape& s = pixels.shape();
  return s[3] == 1 ? Shape{s[0], s[1], s[2]} : s;
}

void append_big_endian(uint32_t value, std::string& text) {
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 255);
}

std::string idx_header(char type, const Shape& shape) {
  std::string header("\0\0", 2);
  header += type;
  header += static_cast<char>(shape.rank());
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] > UINT32_MAX) throw Error("has more images than IDX can count", {}, "Write .npy or .npz");
    append_big_endian(static_cast<uint32_t>(shape[axis]), header);
  }
  return header;
}

ArrayBytes pixel_rows(const Pixels& pixels, std::string header, bool big_endian) {
  ArrayBytes array;
  array.header = std::move(header);
  array.rows = pixels.count();
  const auto values = static_cast<size_t>(pixels.shape().per_example());
  if (writes_bytes(pixels)) {
    array.row_bytes = values;
    array.fill = [pixels, values](int64_t row, uint8_t* out) {
      std::memcpy(out, pixels.bytes(row).data(), values);
    };
    return array;
  }
  array.row_bytes = values * sizeof(float);
  array.fill = [pixels, image = std::vector<float>(values), big_endian](int64_t row, uint8_t* out) mutable {
    pixels.read(row, image.data());
    if (big_endian) {
      for (float& value : image) {
        value = std::bit_cast<float>(__builtin_bswap32(std::bit_cast<uint32_t>(value)));
      }
    }
    std::memcpy(out, image.data(), image.size() * sizeof(float));
  };
  return array;
}

}  // namespace

bool writes_bytes(const Pixels& pixels) {
  if (!pixels.is_bytes()) return false;
  uint8_t highest = 0;
  for (int64_t i = 0; i < pixels.count(); ++i) {
    for (const uint8_t byte : pixels.bytes(i)) highest = std::max(highest, byte);
    if (highest > 1) return true;
  }
  return highest == 0;  // bytes 0 and 1 alone would be read as black and white
}

ArrayBytes npy_pixels(const Pixels& pixels) {
  return pixel_rows(pixels, npy_header(writes_bytes(pixels) ? "|u1" : "<f4", file_shape(pixels)), false);
}

ArrayBytes npy_texts(const std::vector<std::string>& names, std::span<const int32_t> indices) {
  size_t longest = 1;
  std::vector<std::u32string> texts;
  for (const std::string& name : names) {
    texts.push_back(code_points(name));
    longest = std::max(longest, texts.back().size());
  }
  ArrayBytes array;
  array.header = npy_header("<U" + std::to_string(longest), Shape{static_cast<int64_t>(indices.size())});
  array.rows = static_cast<int64_t>(indices.size());
  array.row_bytes = longest * 4;
  array.fill = [texts, indices, longest](int64_t row, uint8_t* out) {
    const std::u32string& text = texts[static_cast<size_t>(indices[static_cast<size_t>(row)])];
    uint8_t* end = std::copy_n(reinterpret_cast<const uint8_t*>(text.data()), text.size() * 4, out);
    std::fill(end, out + longest * 4, uint8_t{0});
  };
  return array;
}

ArrayBytes idx_pixels(const Pixels& pixels) {
  const char type = writes_bytes(pixels) ? '\x08' : '\x0D';
  return pixel_rows(pixels, idx_header(type, file_shape(pixels)), true);
}

ArrayBytes idx_labels(const Dataset& data) {
  std::vector<int32_t> numbers;
  for (const std::string& name : data.classes) {
    int32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size() || std::to_string(number) != name) {
      throw Error("class `" + name + "` is no number, and IDX holds only numbers", data.source,
                  "Write .npz, .csv or a folder");
    }
    numbers.push_back(number);
  }
  const bool small =
      std::all_of(numbers.begin(), numbers.end(), [](int32_t n) { return n >= 0 && n <= 255; });
  ArrayBytes array;
  array.header = idx_header(small ? '\x08' : '\x0C', Shape{data.size()});
  array.rows = data.size();
  array.row_bytes = small ? 1 : 4;
  array.fill = [numbers, labels = data.labels, small](int64_t row, uint8_t* out) {
    const int32_t number = numbers[static_cast<size_t>(labels[static_cast<size_t>(row)])];
    const uint32_t big_endian = __builtin_bswap32(static_cast<uint32_t>(number));
    if (small) {
      *out = static_cast<uint8_t>(number);
    } else {
      std::memcpy(out, &big_endian, 4);
    }
  };
  return array;
}

}  // namespace mudra
