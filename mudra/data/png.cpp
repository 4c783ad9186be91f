#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/data/image_codec.h"

namespace mudra {
namespace {

// As with libjpeg: errors leave libpng by longjmp, across frames that hold nothing to destroy.
struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const uint8_t* next = nullptr;
  size_t left = 0;
  std::jmp_buf escape;
  char message[160] = "";
  bool lacks_memory = false;
};

extern "C" {
static void on_png_error(png_structp png, png_const_charp text) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader.message, sizeof reader.message, "%s", text);
  std::longjmp(reader.escape, 1);
}
static void on_png_warning(png_structp, png_const_charp) {}
static void give_bytes(png_structp png, png_bytep out, size_t size) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (size > reader.left) png_error(png, "the file ends early");
  std::memcpy(out, reader.next, size);
  reader.next += size;
  reader.left -= size;
}
static void take_bytes(png_structp png, png_bytep bytes, size_t size) {
  try {
    static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(bytes), size);
    return;
  } catch (const std::bad_alloc&) {
    static_cast<PngReader*>(png_get_error_ptr(png))->lacks_memory = true;
  }
  png_error(png, "");
}
static png_voidp allocate(png_structp png, png_alloc_size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) static_cast<PngReader*>(png_get_mem_ptr(png))->lacks_memory = true;
  return memory;
}
static void flush_bytes(png_structp) {}
}

bool start(PngReader& reader) {
  if (setjmp(reader.escape) != 0) return false;
  reader.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &reader, on_png_error, on_png_warning, &reader,
                                        allocate, nullptr);
  if (reader.png == nullptr) return false;
  reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) return false;
  png_set_read_fn(reader.png, &reader, give_bytes);
  png_set_user_limits(reader.png, 0x7FFFFFFF, 0x7FFFFFFF);  // ours are in pixels
  png_set_chunk_malloc_max(reader.png, 8 << 20);
  png_set_chunk_cache_max(reader.png, 128);
  png_read_info(reader.png, reader.info);
  return true;
}

// Asks for 8-bit grey, grey + alpha, RGB or RGBA.
bool choose_output(PngReader& reader) {
  if (setjmp(reader.escape) != 0) return false;
  png_set_scale_16(reader.png);
  png_set_expand(reader.png);  // palettes, 1 to 4 bits, transparent colours
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_rows(PngReader& reader, uint8_t** rows) {
  if (setjmp(reader.escape) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, reader.info);
  return true;
}

class Png {
 public:
  explicit Png(const std::string& where) : where_(where) {}
  ~Png() { png_destroy_read_struct(&reader_.png, &reader_.info, nullptr); }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;

  // Reads up to the pixels; `file` must outlive decode().
  void open(std::span<const uint8_t> file) {
    reader_.next = file.data();
    reader_.left = file.size();
    check(start(reader_));
    check_image_size(height(), width(), where_);
    // Deflate packs at most 1032 bytes into one.
    if (png_get_rowbytes(reader_.png, reader_.info) > file.size() * 1032 / static_cast<size_t>(height())) {
      throw Error(
          "has too few bytes for " + std::to_string(width()) + "x" + std::to_string(height()) + " pixels",
          where_, "Copy or save it again");
    }
  }
  int64_t height() const { return png_get_image_height(reader_.png, reader_.info); }
  int64_t width() const { return png_get_image_width(reader_.png, reader_.info); }
  bool has_colour() const {
    return (png_get_color_type(reader_.png, reader_.info) & PNG_COLOR_MASK_COLOR) != 0;
  }
  int orientation() const {
    png_uint_32 size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(reader_.png, reader_.info, &size, &exif) == 0) return 1;
    return exif_orientation({exif, size});
  }

  Image decode() {
    check(choose_output(reader_));
    const int stored = png_get_channels(reader_.png, reader_.info);
    const int channels = stored <= 2 ? 1 : 3;
    Image image{static_cast<int>(height()), static_cast<int>(width()), channels, {}};
    const size_t pixels = static_cast<size_t>(height()) * static_cast<size_t>(width());
    const size_t row_bytes = static_cast<size_t>(width()) * static_cast<size_t>(stored);
    std::vector<uint8_t> bytes(pixels * static_cast<size_t>(stored));
    std::vector<uint8_t*> rows;
    for (int y = 0; y < image.height; ++y) rows.push_back(bytes.data() + static_cast<size_t>(y) * row_bytes);
    check(read_rows(reader_, rows.data()));
    image.bytes = std::move(bytes);
    if (stored != channels) lay_on_black(image);
    return image;
  }

 private:
  void check(bool good) {
    if (good) return;
    if (reader_.lacks_memory) throw std::bad_alloc();
    throw Error(std::string("is a damaged or cut off PNG (") + reader_.message + ")", where_,
                "Copy or save it again");
  }

  const std::string& where_;
  PngReader reader_;
};

bool write_png(PngReader& writer, const Image& image, std::span<const png_color> palette, std::string& out) {
  if (setjmp(writer.escape) != 0) return false;
  writer.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &writer, on_png_error, on_png_warning,
                                         &writer, allocate, nullptr);
  if (writer.png == nullptr) return false;
  writer.info = png_create_info_struct(writer.png);
  if (writer.info == nullptr) return false;
  png_set_write_fn(writer.png, &out, take_bytes, flush_bytes);
  const int colours = !palette.empty()      ? PNG_COLOR_TYPE_PALETTE
                      : image.channels == 1 ? PNG_COLOR_TYPE_GRAY
                                            : PNG_COLOR_TYPE_RGB;
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8, colours, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty())
    png_set_PLTE(writer.png, writer.info, palette.data(), static_cast<int>(palette.size()));
  png_write_info(writer.png, writer.info);
  for (int y = 0; y < image.height; ++y) {
    png_write_row(writer.png, image.bytes.data() + static_cast<size_t>(y) * image.width * image.channels);
  }
  png_write_end(writer.png, nullptr);
  return true;
}

}  // namespace

Image decode_png(std::span<const uint8_t> file, const std::string& where, int, const LeastSize&) {
  Png png(where);
  png.open(file);
  Image image = png.decode();  // eXIf may come after the pixels
  return orient(std::move(image), png.orientation());
}

PictureHeader png_header(std::span<const uint8_t> file, const std::string& where) {
  Png png(where);
  png.open(file);
  ImageSize size{static_cast<int>(png.height()), static_cast<int>(png.width())};
  if (png.orientation() >= 5) std::swap(size.height, size.width);
  return {size, png.has_colour() ? 3 : 1};
}

std::string encode_png(const Image& image) { return encode_png(image, Palette()); }

std::string encode_png(const Image& image, const Palette& palette) {
  std::vector<png_color> colours;
  for (const auto& [red, green, blue] : palette) colours.push_back({red, green, blue});
  std::string out;
  PngReader writer;
  const bool good = write_png(writer, image, colours, out);
  png_destroy_write_struct(&writer.png, &writer.info);
  if (writer.lacks_memory) throw std::bad_alloc();
  if (!good) throw Error(std::string("the picture cannot be written as PNG (") + writer.message + ")");
  return out;
}

}  // namespace mudra
