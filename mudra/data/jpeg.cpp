#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>
// clang-format off
#include <jpeglib.h>  // needs <cstdio> before it
#include <jerror.h>
// clang-format on

#include "mudra/core/error.h"
#include "mudra/data/image_codec.h"

namespace mudra {
namespace {

// libjpeg reports errors by a function that must not return, and C++ exceptions must not pass through C
// code: longjmp leads back to a frame that holds nothing to destroy.
struct Reader {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
  bool lacks_memory = false;
};

// A progressive file may go over its pixels endlessly.
constexpr int most_scans = 500;
constexpr int64_t most_scanned_pixels = 32 * most_pixels;

Reader& reader_of(j_common_ptr info) { return *static_cast<Reader*>(info->client_data); }

extern "C" {
[[noreturn]] static void on_error(j_common_ptr info) {
  Reader& reader = reader_of(info);
  info->err->format_message(info, reader.message);
  reader.lacks_memory = info->err->msg_code == JERR_OUT_OF_MEMORY;
  std::longjmp(reader.escape, 1);
}
static void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // trace
  // Where libjpeg would go on with invented pixels, the file is damaged. Other warnings are harmless.
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
      on_error(info);
    default:
      return;
  }
}
static void on_progress(j_common_ptr info) {
  const auto* reading = reinterpret_cast<j_decompress_ptr>(info);
  const int64_t pixels = static_cast<int64_t>(reading->image_height) * reading->image_width;
  if (reading->input_scan_number <= most_scans && reading->input_scan_number * pixels <= most_scanned_pixels)
    return;
  std::snprintf(reader_of(info).message, JMSG_LENGTH_MAX, "it has %d scans", reading->input_scan_number);
  std::longjmp(reader_of(info).escape, 1);
}
}

bool start(Reader& reader, std::span<const uint8_t> file) {
  reader.info.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = on_error;
  reader.errors.emit_message = on_message;
  reader.info.client_data = &reader;
  if (setjmp(reader.escape) != 0) return false;
  jpeg_create_decompress(&reader.info);
  reader.progress.progress_monitor = on_progress;
  reader.info.progress = &reader.progress;
  jpeg_mem_src(&reader.info, file.data(), file.size());
  jpeg_save_markers(&reader.info, JPEG_APP0 + 1, 65535);
  jpeg_read_header(&reader.info, TRUE);
  return true;
}

// reduction: 1, 2, 4 or 8
bool choose_output(Reader& reader, int channels, unsigned reduction) {
  if (setjmp(reader.escape) != 0) return false;
  jpeg_decompress_struct& info = reader.info;
  const bool four = info.num_components == 4;  // CMYK, as print shops make them
  const bool brightness = info.jpeg_color_space == JCS_YCbCr || info.jpeg_color_space == JCS_GRAYSCALE;
  const bool grey = info.num_components == 1 || (channels == 1 && brightness);
  info.out_color_space = four ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = reduction;
  jpeg_calc_output_dimensions(&info);
  return true;
}

// Rows of width * output_components bytes.
bool read_rows(Reader& reader, uint8_t* out) {
  if (setjmp(reader.escape) != 0) return false;
  jpeg_decompress_struct& info = reader.info;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row =
        out + static_cast<size_t>(info.output_scanline) * info.output_width * info.output_components;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

// Owns the reader; outlives every longjmp.
class Jpeg {
 public:
  explicit Jpeg(const std::string& where) : where_(where) {}
  ~Jpeg() { jpeg_destroy_decompress(&reader_.info); }
  Jpeg(const Jpeg&) = delete;
  Jpeg& operator=(const Jpeg&) = delete;

  // Reads the header; `file` must outlive decode().
  void open(std::span<const uint8_t> file) {
    check(start(reader_, file));
    const int64_t height = reader_.info.image_height, width = reader_.info.image_width;
    check_image_size(height, width, where_);
    // Huffman codes take a bit at least for every block of 64 pixels.
    if (reader_.info.arith_code == 0 && height * width / 512 > static_cast<int64_t>(file.size())) {
      throw Error("has too few bytes for " + std::to_string(width) + "x" + std::to_string(height) + " pixels",
                  where_, "Copy or save it again");
    }
    for (const jpeg_marker_struct* marker = reader_.info.marker_list; marker != nullptr;
         marker = marker->next) {
      if (marker->data_length > 6 && std::memcmp(marker->data, "Exif\0\0", 6) == 0) {
        orientation_ = exif_orientation({marker->data + 6, marker->data_length - 6});
      }
    }
  }
  const jpeg_decompress_struct& info() const { return reader_.info; }
  int orientation() const { return orientation_; }

  Image decode(int channels, const LeastSize& least) {
    check(choose_output(reader_, channels, reduction(least)));
    const jpeg_decompress_struct& info = reader_.info;
    Image image{static_cast<int>(info.output_height),
                static_cast<int>(info.output_width),
                info.out_color_components,
                {}};
    const auto pixels = static_cast<size_t>(info.output_height) * info.output_width;
    image.bytes.resize(pixels * static_cast<size_t>(image.channels));
    check(read_rows(reader_, image.bytes.data()));
    if (image.channels == 4) {
      // Adobe's files hold the ink inverted.
      const int flip = info.saw_Adobe_marker ? 0 : 255;
      for (size_t i = 0; i < pixels; ++i) {
        const uint8_t* ink = image.bytes.data() + 4 * i;
        for (size_t c = 0; c < 3; ++c) {
          image.bytes[3 * i + c] = static_cast<uint8_t>(((ink[c] ^ flip) * (ink[3] ^ flip) + 127) / 255);
        }
      }
      image.channels = 3;
      image.bytes.resize(pixels * 3);
    }
    return image;
  }

 private:
  // The largest that leaves `least`.
  unsigned reduction(LeastSize least) const {
    if (orientation_ >= 5) std::swap(least.height, least.width);
    const auto height = static_cast<int>(reader_.info.image_height);
    const auto width = static_cast<int>(reader_.info.image_width);
    const bool is_wanted = std::max({least.height, least.width, least.longer}) > 0;
    if (!is_wanted || int64_t{height} * width < large_picture) return 1;
    unsigned largest = 1;
    for (const int by : {2, 4, 8}) {
      const int h = height / by, w = width / by;
      if (h >= least.height && w >= least.width && std::max(h, w) >= least.longer)
        largest = static_cast<unsigned>(by);
    }
    return largest;
  }

  void check(bool good) {
    if (good) return;
    if (reader_.lacks_memory) throw std::bad_alloc();
    throw Error(std::string("is a damaged or cut off JPEG (") + reader_.message + ")", where_,
                "Copy or save it again");
  }

  const std::string& where_;
  Reader reader_{};
  int orientation_ = 1;
};

}  // namespace

Image decode_jpeg(std::span<const uint8_t> file, const std::string& where, int channels,
                  const LeastSize& least) {
  Jpeg jpeg(where);
  jpeg.open(file);
  return orient(jpeg.decode(channels, least), jpeg.orientation());
}

PictureHeader jpeg_header(std::span<const uint8_t> file, const std::string& where) {
  Jpeg jpeg(where);
  jpeg.open(file);
  ImageSize size{static_cast<int>(jpeg.info().image_height), static_cast<int>(jpeg.info().image_width)};
  if (jpeg.orientation() >= 5) std::swap(size.height, size.width);
  return {size, jpeg.info().num_components == 1 ? 1 : 3};
}

}  // namespace mudra
