// Picture files: PNG, JPEG, WebP and images in .npy. Every function may be called from several threads at
// once, and throws Error for what it cannot read.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/data/image.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

// Larger pictures are refused before any memory is taken for them (3 bytes a pixel).
inline constexpr int64_t most_pixels = int64_t{64} << 20;

// What must be left of a picture that is decoded smaller than it is, in pixels after EXIF rotation; all 0: it
// is decoded as it is.
struct LeastSize {
  int height = 0, width = 0;
  int longer = 0;  // of its two sides
};

// Pictures of fewer pixels are never decoded smaller: those of data sets keep their bytes.
inline constexpr int64_t large_picture = int64_t{2} << 20;

// Decodes PNG, JPEG or WebP, told apart by their first bytes. `channels`: 1 grey, 3 colour, 0 as the file has
// it. Grey of a JPEG is its own brightness channel, as decoders for grey give it. 16 bits become 8,
// transparency is laid on black, EXIF rotation is applied. A JPEG of a large picture is decoded at 1/2,
// 1/4 or 1/8 of its size, the smallest that leaves `least`: its file holds waves of 8x8 pixels, and those
// that are not wanted are left out, which is several times as fast. Throws Error, naming `where`, for
// anything damaged, cut off, too large or neither.
Image decode_image(std::span<const uint8_t> file, const std::string& where, int channels = 0,
                   const LeastSize& least = {});
// The bytes of a file that may be a picture.
std::vector<uint8_t> picture_bytes(const std::string& path);
// The picture of a file.
Image read_picture(const std::string& path, int channels = 0, const LeastSize& least = {});

// Whether the file begins as an .npy array does.
bool holds_array(const std::string& path);

// What a file holds, as it is after EXIF rotation, without decoding the rest.
struct ImageSize {
  int height = 0, width = 0;
  auto operator<=>(const ImageSize&) const = default;
};
struct PictureHeader {
  ImageSize size;
  int channels = 0;
};
PictureHeader picture_header(std::span<const uint8_t> file, const std::string& where);

// Images [N, H, W, C]: the one of a PNG, JPEG or WebP file, with the channels `options` asks for, or those of
// an .npy array:
//   [H, W]                 one, unless W is how many values an image of options' size has: then H flat ones
//   [H, W, 1 or 3]         one, unless the last two are options' size
//   [1 or 3, H, W]         one, unless options asks for grey or the last two are its size in grey
//   [N, H, W]              N in grey
//   [N, ...], flat         as in a data set
// Values of an array are understood as those of a data set are, and `notes`, if given,
// say how: 0 and 1 alone are black
// and white.
Pixels read_images(const std::string& path, const ReadOptions& options = {},
                   std::vector<std::string>* notes = nullptr);

// The pictures of a folder at any depth, by name; `notes` say what was left out.
std::vector<std::string> pictures_in(const std::string& folder, std::vector<std::string>& notes);

// The pictures of these files in their order, all brought to one size as those of a folder are. Throws Error
// at the first that cannot be read.
Pixels read_pictures(std::span<const std::string> files, ReadOptions options);

// The most common size of the pictures in a folder of classes, by their headers; zeros if none can be read.
ImageSize most_common_size(const std::string& folder);

std::string encode_png(const Image& image);

using Palette = std::vector<std::array<uint8_t, 3>>;  // up to 256 colours, RGB
// The same of an image whose single channel holds indices into a palette.
std::string encode_png(const Image& image, const Palette& palette);

}  // namespace mudra
