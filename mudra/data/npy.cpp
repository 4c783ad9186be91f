#include "mudra/data/npy.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/utf8.h"

namespace mudra {

namespace {

// The header is a dictionary as Python writes it; the same as JSON, if it is one.
std::string as_json(std::string_view python) {
  std::string json;
  for (const char c : python) {
    const char before = json.empty() ? ' ' : json.back();
    if (c == 'L' && std::isdigit(static_cast<unsigned char>(before))) continue;  // Python 2 wrote 5000L
    if (c == ')' || c == '}') {                                                  // may stand after a comma
      const size_t last = json.find_last_not_of(" \n\t\r");
      if (last != std::string::npos && json[last] == ',') json.resize(last);
    }
    const bool is_word = (c == 'T' || c == 'F') && (before == ' ' || before == ':');
    json += c == '(' ? '[' : c == ')' ? ']' : c == '\'' ? '"' : is_word ? static_cast<char>(c + 32) : c;
  }
  return json;
}

void set_type(const std::string& descr, NpyArray& array) {
  const std::string& where = array.where();
  std::string_view type = descr;
  if (!type.empty() && std::string_view("<>|=").find(type[0]) != std::string_view::npos) {
    const bool big = std::endian::native == std::endian::big;
    array.swapped = type[0] == (big ? '<' : '>');
    type.remove_prefix(1);
  }
  const char kind = type.empty() ? '\0' : type[0];
  if (kind == 'O') {
    throw Error("holds Python objects, and reading those means running code from the file", where,
                "Save numbers or text: numpy.asarray(values.tolist())");
  }
  const int size = parse_number<int>(type.substr(type.empty() ? 0 : 1)).value_or(0);
  const bool number = size == 1 || size == 2 || size == 4 || size == 8;
  const bool known = kind == 'b'                  ? size == 1
                     : kind == 'u' || kind == 'i' ? number
                     : kind == 'f'                ? number && size > 1
                     : kind == 'U' || kind == 'S' ? size > 0
                                                  : false;
  if (!known) throw Error("has the type " + descr, where, "Save whole numbers, floats or text");
  if (size > 1024)
    throw Error("has texts of up to " + std::to_string(size) + " characters", where, "Shorten them");
  array.kind = kind;
  array.item_size = kind == 'U' ? size * 4 : size;
  if (array.item_size == 1 || kind == 'S') array.swapped = false;
}

void read_header(std::string_view text, NpyArray& array) {
  const Error malformed("has a header that is not NumPy's", array.where(),
                        "Save it again with numpy.save or numpy.savez");
  try {
    const nlohmann::json header = nlohmann::json::parse(as_json(text));
    const nlohmann::json &type = header.at("descr"), &shape = header.at("shape");
    if (type.is_array()) throw Error("holds a structured type", array.where(), "Save plain numbers or text");
    set_type(type.get<std::string>(), array);
    array.fortran_order = header.at("fortran_order").get<bool>();
    const auto is_size = [](const nlohmann::json& size) {
      return size.is_number_unsigned() && size.get<int64_t>() >= 0;
    };
    if (!shape.is_array() || shape.size() > 32 || !std::ranges::all_of(shape, is_size)) throw malformed;
    if (header.size() != 3) throw malformed;
    array.shape = shape.get<std::vector<int64_t>>();
  } catch (const nlohmann::json::exception&) {
    throw malformed;
  }
}

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

std::string NpyArray::type_name() const {
  const std::string bits = std::to_string(item_size * 8);
  switch (kind) {
    case 'b':
      return "bool";
    case 'u':
      return "uint" + bits;
    case 'i':
      return "int" + bits;
    case 'f':
      return "float" + bits;
    case 'U':
      return "<U" + std::to_string(item_size / 4);
    default:
      return "S" + std::to_string(item_size);
  }
}

std::string NpyArray::shape_text() const {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

std::vector<int64_t> NpyArray::strides() const {
  std::vector<int64_t> strides(shape.size());
  int64_t next = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    const size_t axis = fortran_order ? i : shape.size() - 1 - i;  // fastest first
    strides[axis] = next;
    next *= shape[axis];
  }
  return strides;
}

void check_npy_size(NpyArray& array) {
  int64_t bytes = array.item_size;
  array.values = 1;
  bool overflow = false;
  for (const int64_t size : array.shape) {
    overflow |= __builtin_mul_overflow(array.values, size, &array.values);
    overflow |= __builtin_mul_overflow(bytes, size, &bytes);
  }
  const uint64_t there = std::max(array.source->size(), array.data_offset) - array.data_offset;
  if (overflow || static_cast<uint64_t>(bytes) > there) {
    throw Error("declares " + array.shape_text() + " values of type " + array.type_name() +
                    " but holds only " + std::to_string(there) + " bytes of them",
                array.where(), "The file is cut off or damaged: make or copy it again");
  }
}

NpyArray open_npy(std::unique_ptr<ByteSource> source) {
  NpyArray array;
  array.source = std::move(source);
  const std::string& where = array.where();
  uint8_t start[12] = {};
  if (array.source->read(start, 10) != 10 || std::memcmp(start, "\x93NUMPY", 6) != 0) {
    throw Error("is not a NumPy array", where, "Save it with numpy.save or numpy.savez");
  }
  if (start[6] < 1 || start[6] > 3) {
    throw Error("has format version " + std::to_string(start[6]) + "; 1 to 3 are known", where);
  }
  const bool long_header = start[6] > 1;
  if (long_header) read_exactly(*array.source, start + 10, 2);
  const size_t length = start[8] | start[9] << 8 | start[10] << 16 | size_t{start[11]} << 24;
  if (length > 65536)
    throw Error("has a header of " + std::to_string(length) + " bytes", where, "Save plain numbers");
  std::string text(length, '\0');
  read_exactly(*array.source, text.data(), length);
  read_header(text, array);
  array.data_offset = (long_header ? 12 : 10) + length;
  check_npy_size(array);
  return array;
}

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
