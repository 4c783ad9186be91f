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
Image decode_jpeg(std::span<const uint8_t> file, const std::string& where, int channels,
                  const LeastSize& least);
// These ignore `least`.
Image decode_png(std::span<const uint8_t> file, const std::string& where, int channels,
                 const LeastSize& least);
Image decode_webp(std::span<const uint8_t> file, const std::string& where, int channels,
                  const LeastSize& least);
PictureHeader jpeg_header(std::span<const uint8_t> file, const std::string& where);
PictureHeader png_header(std::span<const uint8_t> file, const std::string& where);
PictureHeader webp_header(std::span<const uint8_t> file, const std::string& where);

// What to do with pictures of kinds that are not read.
inline constexpr const char* convert_remedy =
    "Convert to JPEG or PNG first, such as with ImageMagick or `heif-convert`; an iPhone takes JPEG under "
    "Settings, Camera, Formats, Most Compatible";

// Throws Error for pictures with no pixels or more than most_pixels.
void check_image_size(int64_t height, int64_t width, const std::string& where);

// Takes the alpha channel that stands after the image's own out of its bytes.
void lay_on_black(Image& image);

// The EXIF orientation 1..8 in a TIFF block ("II*\0" or "MM\0*" ...); 1 when it holds none.
int exif_orientation(std::span<const uint8_t> tiff);
// Turns and mirrors the pixels the way orientation 2..8 asks.
Image orient(Image image, int orientation);

}  // namespace mudra
