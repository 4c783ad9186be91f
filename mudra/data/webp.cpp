#include <webp/decode.h>

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/data/image_codec.h"

namespace mudra {
namespace {

WebPBitstreamFeatures features(std::span<const uint8_t> file, const std::string& where) {
  WebPBitstreamFeatures found;
  if (WebPGetFeatures(file.data(), file.size(), &found) != VP8_STATUS_OK)
    throw Error("is a damaged or cut off WebP", where, "Copy or save it again");
  check_image_size(found.height, found.width, where);
  if (found.has_animation != 0)
    throw Error("is a WebP that moves, not one picture", where, "Save one picture of it as PNG or JPEG");
  return found;
}

// The EXIF orientation 1..8; 1 where the file says nothing.
int orientation(std::span<const uint8_t> file) {
  // RIFF size WEBP, then chunks: four letters, the size in four bytes, as many bytes, filled up to two.
  std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  size_t at = 12, size = 0;
  for (;; at += 8 + size + size % 2) {
    if (at + 8 > file.size()) return 1;
    size = file[at + 4] | file[at + 5] << 8 | file[at + 6] << 16 | size_t{file[at + 7]} << 24;
    if (text.substr(at, 4) == "EXIF") break;
  }
  std::span<const uint8_t> exif = file.subspan(at + 8, std::min(size, file.size() - at - 8));
  // Some programs write the six bytes that stand before EXIF in a JPEG.
  const std::string_view mark("Exif\0\0", 6), start(reinterpret_cast<const char*>(exif.data()), exif.size());
  if (start.starts_with(mark)) exif = exif.subspan(mark.size());
  return exif_orientation(exif);
}

}  // namespace

Image decode_webp(std::span<const uint8_t> file, const std::string& where, int, const LeastSize&) {
  const WebPBitstreamFeatures found = features(file, where);
  Image image{found.height, found.width, 3, {}};
  const int stored = found.has_alpha != 0 ? 4 : 3, stride = stored * found.width;
  image.bytes.resize(static_cast<size_t>(stride) * static_cast<size_t>(found.height));
  WebPDecoderConfig to;
  WebPInitDecoderConfig(&to);
  to.output.colorspace = stored == 4 ? MODE_RGBA : MODE_RGB;
  to.output.is_external_memory = 1;
  to.output.u.RGBA = {image.bytes.data(), stride, image.bytes.size()};
  const VP8StatusCode status = WebPDecode(file.data(), file.size(), &to);
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
  if (status != VP8_STATUS_OK) throw Error("is a damaged or cut off WebP", where, "Copy or save it again");
  if (stored == 4) lay_on_black(image);
  return orient(std::move(image), orientation(file));
}

PictureHeader webp_header(std::span<const uint8_t> file, const std::string& where) {
  const WebPBitstreamFeatures found = features(file, where);
  ImageSize size{found.height, found.width};
  if (orientation(file) >= 5) std::swap(size.height, size.width);
  return {size, 3};
}

}  // namespace mudra
