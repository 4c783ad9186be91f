#include "fuzz/input.h"
#include "mudra/data/image_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace mudra;
  fuzz::attempt([&] {
    const PictureHeader header = picture_header({bytes, size}, "input");
    if (int64_t{header.size.height} * header.size.width > 1 << 20)
      return;  // for speed; the limit has its own test
    for (const int channels : {0, 1, 3}) {
      const Image image = decode_image({bytes, size}, "input", channels);
      fuzz::require(channels == 0 || image.channels == channels, "the channels asked for");
      fuzz::require(header.channels != 1 || channels != 0 || image.channels == 1,
                    "the channels of the header");
      const auto pixels = static_cast<size_t>(image.height) * static_cast<size_t>(image.width);
      fuzz::require(image.bytes.size() == pixels * static_cast<size_t>(image.channels),
                    "the size of the pixels");
      fuzz::require(fit(image, {7, 5, 1, Fit::keep_aspect}).bytes.size() == 35, "the size asked for");
    }
  });
  return 0;
}
