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

struct Format {
  std::string_view name, magic;
  size_t magic_at;
  Image (*decode)(std::span<const uint8_t> file, const std::string& where, int channels,
                  const LeastSize& least);
  PictureHeader (*header)(std::span<const uint8_t> file, const std::string& where);
};

using namespace std::string_view_literals;
// Kinds without functions are known so that a message can name them. AVIF and HEIC begin alike.
constexpr Format formats[] = {
    {"JPEG", "\xFF\xD8\xFF"sv, 0, decode_jpeg, jpeg_header},
    {"PNG", "\x89PNG\r\n\x1A\n"sv, 0, decode_png, png_header},
    {"WebP", "WEBP"sv, 8, decode_webp, webp_header},
    {"GIF", "GIF8"sv, 0, nullptr, nullptr},
    {"AVIF", "ftypavi"sv, 4, nullptr, nullptr},
    {"HEIC", "ftyp"sv, 4, nullptr, nullptr},
    {"TIFF", "II*\0"sv, 0, nullptr, nullptr},
    {"TIFF", "MM\0*"sv, 0, nullptr, nullptr},
    {"BMP", "BM"sv, 0, nullptr, nullptr},
};

const Format& format_of(std::span<const uint8_t> file, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (const Format& format : formats) {
    if (text.substr(std::min(format.magic_at, text.size())).starts_with(format.magic)) {
      if (format.decode) return format;
      const std::string name(format.name);
      throw Error("is a " + name + " picture, which Mudra does not read", where, convert_remedy);
    }
  }
  throw Error(file.empty() ? "is empty" : "is not a picture Mudra can read", where,
              "Give a PNG, JPEG or WebP file");
}

}  // namespace

Image decode_image(std::span<const uint8_t> file, const std::string& where, int channels,
                   const LeastSize& least) {
  Image image = format_of(file, where).decode(file, where, channels, least);
  if (channels == 0 || channels == image.channels) return image;
  return fit(image, {image.height, image.width, channels, Fit::stretch});
}

PictureHeader picture_header(std::span<const uint8_t> file, const std::string& where) {
  return format_of(file, where).header(file, where);
}

std::vector<uint8_t> picture_bytes(const std::string& path) {
  constexpr size_t largest_file = size_t{256} << 20;
  const auto source = open_file(path);
  if (source->size() > largest_file) throw Error("is too large for a picture", path, "Make it smaller");
  std::vector<uint8_t> bytes(source->size());
  bytes.resize(source->read(bytes.data(), bytes.size()));
  return bytes;
}

Image read_picture(const std::string& path, int channels, const LeastSize& least) {
  return decode_image(picture_bytes(path), path, channels, least);
}

bool holds_array(const std::string& path) { return first_bytes(path) == "\x93NUMPY"; }

Pixels read_images(const std::string& path, const ReadOptions& options, std::vector<std::string>* notes) {
  std::vector<std::string> unheard;
  if (holds_array(path)) return read_npy_images(path, options, notes ? *notes : unheard);
  Image image = read_picture(path, options.channels);
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

void lay_on_black(Image& image) {
  const auto channels = static_cast<size_t>(image.channels);
  const size_t pixels = image.bytes.size() / (channels + 1);
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t* from = image.bytes.data() + i * (channels + 1);
    for (size_t c = 0; c < channels; ++c)
      image.bytes[i * channels + c] = static_cast<uint8_t>((from[c] * from[channels] + 127) / 255);
  }
  image.bytes.resize(pixels * channels);
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
