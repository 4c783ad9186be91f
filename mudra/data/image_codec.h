// What decoders of picture files share. Internal to data/.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mudra/data/image.h"
#include "mudra/data/image_file.h"

namespace mudra {

// The channels asked for where that is cheap.
Image decode_jpeg(std::span<const uint8_t> file, const std::string& where, int channels);
Image decode_png(std::span<const uint8_t> file, const std::string& where, int channels);
PictureHeader jpeg_header(std::span<const uint8_t> file, const std::string& where);
PictureHeader png_header(std::span<const uint8_t> file, const std::string& where);

// The bytes of a file that may be a picture.
std::vector<uint8_t> picture_bytes(const std::string& path);

// Throws Error for pictures with no pixels or more than most_pixels.
void check_image_size(int64_t height, int64_t width, const std::string& where);

// The EXIF orientation 1..8 in a TIFF block ("II*\0" or "MM\0*" ...); 1 when it holds none.
int exif_orientation(std::span<const uint8_t> tiff);
// Turns and mirrors the pixels the way orientation 2..8 asks.
Image orient(Image image, int orientation);

}  // namespace mudra
