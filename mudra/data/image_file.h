// Picture files: PNG, JPEG and single images in .npy. Every function may be called from several threads at
// once, and throws Error for what it cannot read.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "mudra/data/dataset.h"
#include "mudra/data/image.h"

namespace mudra {

// Larger pictures are refused before any memory is taken for them (3 bytes a pixel).
inline constexpr int64_t most_pixels = int64_t{64} << 20;

// Decodes PNG or JPEG, told apart by their first bytes. `channels`: 1 grey, 3 colour, 0 as the file has it.
// Grey of a JPEG is its own brightness channel, as decoders for grey give it. 16 bits become 8, transparency
// is laid on black, EXIF rotation is applied. Throws Error, naming `where`, for anything damaged, cut off,
// too large or neither.
Image decode_image(std::span<const uint8_t> file, const std::string& where, int channels = 0);

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

// One image [1, H, W, C] from a PNG, JPEG or .npy file ([H, W], [H, W, C] or a flat square). Values of an
// array are understood as those of a data set are, and `notes`, if given, say how: 0 and 1 alone are black
// and white.
Pixels read_image(const std::string& path, int channels = 0, std::vector<std::string>* notes = nullptr);

std::string encode_png(const Image& image);

}  // namespace mudra
