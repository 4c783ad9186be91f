#include "mudra/data/image_file.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/data/byte_source.h"
#include "mudra/data/image_codec.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

enum class Format { jpeg, png };

Format format_of(std::span<const uint8_t> file, const std::string& where) {
  const auto starts = [&](std::string_view magic) {
    return file.size() >= magic.size() && std::memcmp(file.data(), magic.data(), magic.size()) == 0;
  };
  if (starts("\xFF\xD8\xFF")) return Format::jpeg;
  if (starts("\x89PNG\r\n\x1A\n")) return Format::png;
  throw Error(file.empty() ? "is empty" : "is not a picture Mudra can read", where,
              "Give a PNG or JPEG file");
}

}  // namespace

Image decode_image(std::span<const uint8_t> file, const std::string& where, int channels) {
  const auto decode = format_of(file, where) == Format::jpeg ? decode_jpeg : decode_png;
  Image image = decode(file, where, channels);
  if (channels == 0 || channels == image.channels) return image;
  return fit(image, {image.height, image.width, channels, Fit::stretch});
}

PictureHeader picture_header(std::span<const uint8_t> file, const std::string& where) {
  return format_of(file, where) == Format::jpeg ? jpeg_header(file, where) : png_header(file, where);
}

std::vector<uint8_t> picture_bytes(const std::string& path) {
  constexpr size_t largest_file = size_t{256} << 20;
  const auto source = open_file(path);
  if (source->size() > largest_file) throw Error("is too large for a picture", path, "Make it smaller");
  std::vector<uint8_t> bytes(source->size());
  bytes.resize(source->read(bytes.data(), bytes.size()));
  return bytes;
}

Pixels read_image(const std::string& path, int channels, std::vector<std::string>* notes) {
  const std::vector<uint8_t> file = picture_bytes(path);
  if (file.size() > 6 && std::memcmp(file.data(), "\x93NUMPY", 6) == 0) {
    std::vector<std::string> unheard;
    return read_npy_image(path, notes ? *notes : unheard);
  }
  Image image = decode_image(file, path, channels);
  const Shape shape{1, image.height, image.width, image.channels};
  return Pixels(shape, std::move(image.bytes));
}

void check_image_size(int64_t height, int64_t width, const std::string& where) {
  if (height <= 0 || width <= 0) throw Error("is a picture without pixels", where, "Remove it");
  if (height > most_pixels / width) {
    throw Error("is " + std::to_string(width) + "x" + std::to_string(height) + " pixels; at most " +
                    std::to_string(most_pixels >> 20) + " million are read",
                where, "Make it smaller");
  }
}

int exif_orientation(std::span<const uint8_t> tiff) {
  if (tiff.size() < 8) return 1;
  const bool little = tiff[0] == 'I';
  if (tiff[1] != tiff[0] || (!little && tiff[0] != 'M')) return 1;
  const auto number = [&](size_t at, size_t size) -> size_t {  // 0 beyond the end
    size_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t place = at + (little ? size - 1 - i : i);
      value = value << 8 | (place < tiff.size() ? tiff[place] : 0);
    }
    return value;
  };
  const size_t directory = number(4, 4);
  if (directory > tiff.size()) return 1;
  const size_t entries = number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.size()) break;
    constexpr size_t orientation_tag = 0x0112, type_short = 3;
    if (number(entry, 2) != orientation_tag || number(entry + 2, 2) != type_short) continue;
    const size_t orientation = number(entry + 8, 2);
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  }
  return 1;
}

Image orient(Image image, int orientation) {
  if (orientation <= 1) return image;
  const int h = image.height, w = image.width, channels = image.channels;
  const bool transposed = orientation >= 5;
  Image turned{transposed ? w : h, transposed ? h : w, channels, {}};
  turned.bytes.resize(image.bytes.size());
  uint8_t* out = turned.bytes.data();
  for (int y = 0; y < turned.height; ++y) {
    for (int x = 0; x < turned.width; ++x) {
      int from_y = transposed ? x : y, from_x = transposed ? y : x;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        from_x = w - 1 - from_x;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        from_y = h - 1 - from_y;
      const uint8_t* from = image.bytes.data() + (static_cast<size_t>(from_y) * w + from_x) * channels;
      out = std::copy(from, from + channels, out);
    }
  }
  return turned;
}

}  // namespace mudra
