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

constexpr size_t chunk_bytes = size_t{1} << 18;

template <class T>
T byteswap(T value) {
  if constexpr (sizeof(T) == 2) {
    return std::bit_cast<T>(__builtin_bswap16(std::bit_cast<uint16_t>(value)));
  } else if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(__builtin_bswap32(std::bit_cast<uint32_t>(value)));
  } else if constexpr (sizeof(T) == 8) {
    return std::bit_cast<T>(__builtin_bswap64(std::bit_cast<uint64_t>(value)));
  } else {
    return value;
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
auto with_type(const NpyHeader& header, Work&& work) {
  const int size = header.item_size;
  if (header.kind == 'f') {
    return size == 2 ? work(Half{}) : size == 4 ? work(float{}) : work(double{});
  }
  if (header.kind == 'i') {
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

constexpr int64_t block_values = 1024;

// Raw values to `block`, in this machine's byte order.
template <class T>
void load(const NpyHeader& header, const uint8_t* raw, int64_t count, T* block) {
  std::memcpy(block, raw, static_cast<size_t>(count) * sizeof(T));
  if (header.swapped) {
    for (int64_t i = 0; i < count; ++i) block[i] = byteswap(block[i]);
  }
}

// False, with `out` undefined, unless all values are whole and 0..255.
template <class T>
bool block_to_bytes(const T* block, int64_t count, uint8_t* out) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    std::memcpy(out, block, static_cast<size_t>(count));
    return true;
  } else if constexpr (std::is_same_v<T, Half>) {
    float values[block_values];
    for (int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(block[i]);
    return block_to_bytes(values, count, out);
  } else {
    constexpr T highest = std::is_same_v<T, int8_t> ? T{127} : static_cast<T>(255);
    int outside = 0;  // also counts NaN
    for (int64_t i = 0; i < count; ++i) outside |= !(block[i] >= T{0}) | !(block[i] <= highest);
    if (outside != 0) return false;
    int broken = 0;
    for (int64_t i = 0; i < count; ++i) {
      out[i] = static_cast<uint8_t>(block[i]);
      broken |= static_cast<T>(out[i]) != block[i];
    }
    return broken == 0;
  }
}

bool to_bytes(const NpyHeader& header, const uint8_t* raw, int64_t count, uint8_t* out) {
  return with_type(header, [&]<class T>(T) {
    T block[block_values];
    for (int64_t at = 0; at < count; at += block_values) {
      const int64_t length = std::min(block_values, count - at);
      load(header, raw + at * header.item_size, length, block);
      if (!block_to_bytes(block, length, out + at)) return false;
    }
    return true;
  });
}

// Walks through the places where an array's values go, in the order they are stored.
class Places {
 public:
  Places(const NpyHeader& header, std::span<const int64_t> strides) {
    for (size_t i = 0; i < header.shape.size(); ++i) {
      const size_t axis = header.fortran_order ? header.shape.size() - 1 - i : i;  // slowest first
      sizes_.push_back(header.shape[axis]);
      strides_.push_back(strides[axis]);
    }
    index_.assign(sizes_.size(), 0);
    int64_t packed = 1;
    for (size_t i = sizes_.size(); i-- > 0;) {
      in_order_ = in_order_ && (strides_[i] == packed || sizes_[i] == 1);
      packed *= sizes_[i];
    }
  }
  bool in_order() const { return in_order_; }
  template <class T>
  void put(const T* values, int64_t count, T* out) {
    for (int64_t i = 0; i < count; ++i) {
      out[place_] = values[i];
      for (size_t axis = sizes_.size(); axis-- > 0;) {
        place_ += strides_[axis];
        if (++index_[axis] < sizes_[axis]) break;
        place_ -= strides_[axis] * sizes_[axis];
        index_[axis] = 0;
      }
    }
  }

 private:
  std::vector<int64_t> sizes_, strides_, index_;
  int64_t place_ = 0;
  bool in_order_ = true;
};

std::string text_value(const NpyHeader& header, const uint8_t* raw, const std::string& where) {
  std::string text;
  if (header.kind == 'S') {
    text.assign(reinterpret_cast<const char*>(raw), static_cast<size_t>(header.item_size));
    text.erase(text.find_last_not_of('\0') + 1);
    return text;
  }
  int length = header.item_size / 4;
  std::vector<uint32_t> points(static_cast<size_t>(length));
  load(header, raw, length, points.data());
  while (length > 0 && points[static_cast<size_t>(length) - 1] == 0) --length;
  for (int i = 0; i < length; ++i) {
    const uint32_t point = points[static_cast<size_t>(i)];
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
      throw Error("holds text that is not Unicode", where, "Make or copy the file again");
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

void finish_reading(ByteSource& source) {
  char rest[4096];
  while (source.read(rest, sizeof rest) > 0) {
  }
}

void npy_to_floats(const NpyHeader& header, const uint8_t* raw, int64_t count, float* out) {
  with_type(header, [&]<class T>(T) {
    T block[block_values];
    for (int64_t at = 0; at < count; at += block_values) {
      const int64_t length = std::min(block_values, count - at);
      load(header, raw + at * header.item_size, length, block);
      for (int64_t i = 0; i < length; ++i) out[at + i] = static_cast<float>(block[i]);
    }
  });
}

NpyValues read_npy_values(ByteSource& source, const NpyHeader& header, std::span<const int64_t> strides) {
  NpyValues result;
  const auto total = static_cast<size_t>(header.values);
  const int64_t per_chunk = static_cast<int64_t>(chunk_bytes) / header.item_size;
  Places places(header, strides);
  std::vector<uint8_t> raw(chunk_bytes), some_bytes;
  std::vector<float> some_floats;
  bool as_bytes = true;
  result.bytes.resize(total);
  for (int64_t at = 0; at < header.values;) {
    const int64_t count = std::min(per_chunk, header.values - at);
    read_exactly(source, raw.data(), static_cast<size_t>(count * header.item_size));
    if (as_bytes) {
      if (places.in_order()) {
        as_bytes = to_bytes(header, raw.data(), count, result.bytes.data() + at);
      } else {
        some_bytes.resize(static_cast<size_t>(count));
        as_bytes = to_bytes(header, raw.data(), count, some_bytes.data());
        if (as_bytes) places.put(some_bytes.data(), count, result.bytes.data());
      }
      if (!as_bytes) {  // what was read so far becomes floats
        result.floats.assign(result.bytes.begin(), result.bytes.end());
        result.bytes = {};
      }
    }
    if (!as_bytes) {
      if (places.in_order()) {
        npy_to_floats(header, raw.data(), count, result.floats.data() + at);
      } else {
        some_floats.resize(static_cast<size_t>(count));
        npy_to_floats(header, raw.data(), count, some_floats.data());
        places.put(some_floats.data(), count, result.floats.data());
      }
    }
    at += count;
  }
  finish_reading(source);
  return result;
}

void read_npy_labels(ByteSource& source, const NpyHeader& header,
                     const std::function<void(std::string_view)>& take) {
  const int64_t per_chunk = std::max<int64_t>(1, static_cast<int64_t>(chunk_bytes) / header.item_size);
  std::vector<uint8_t> raw(static_cast<size_t>(std::min(per_chunk, header.values) * header.item_size));
  for (int64_t at = 0; at < header.values;) {
    const int64_t count = std::min(per_chunk, header.values - at);
    read_exactly(source, raw.data(), static_cast<size_t>(count * header.item_size));
    for (int64_t i = 0; i < count; ++i) {
      const uint8_t* item = raw.data() + i * header.item_size;
      if (header.is_text()) {
        take(text_value(header, item, source.where()));
      } else {
        with_type(header, [&]<class T>(T value) {
          load(header, item, 1, &value);
          take(number_text(value, source.where()));
        });
      }
    }
    at += count;
  }
  finish_reading(source);
}

}  // namespace mudra
