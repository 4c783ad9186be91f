#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
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
  const WebPData data{file.data(), file.size()};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> parts(WebPDemux(&data), WebPDemuxDelete);
  WebPChunkIterator chunk;
  if (!parts || WebPDemuxGetChunk(parts.get(), "EXIF", 1, &chunk) == 0) return 1;
  std::span<const uint8_t> exif(chunk.chunk.bytes, chunk.chunk.size);  // lies in `file`
  WebPDemuxReleaseChunkIterator(&chunk);
  // Some programs write the six bytes that stand before EXIF in a JPEG.
  const std::string_view mark("Exif\0\0", 6), start(reinterpret_cast<const char*>(exif.data()), exif.size());
  if (start.starts_with(mark)) exif = exif.subspan(mark.size());
  return exif_orientation(exif);
}

}  // namespace

Image decode_webp(std::span<const uint8_t> file, const std::string& where, int) {
  const WebPBitstreamFeatures found = features(file, where);
  Image image{found.height, found.width, 3, {}};
  const int stored = found.has_alpha != 0 ? 4 : 3, stride = stored * found.width;
  image.bytes.resize(static_cast<size_t>(stride) * static_cast<size_t>(found.height));
  const auto decode = stored == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(file.data(), file.size(), image.bytes.data(), image.bytes.size(), stride) == nullptr)
    throw Error("is a damaged or cut off WebP", where, "Copy or save it again");
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
