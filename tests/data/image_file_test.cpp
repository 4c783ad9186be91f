// The files and what they hold come from Pillow and NumPy: tests/reference/make_image_fixtures.py.
#include "mudra/data/image_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "mudra/core/atomic_file.h"
#include "mudra/data/image_codec.h"
#include "tests/message.h"
#include "tests/reference.h"

namespace mudra {
namespace {

const std::string image_files_folder = MUDRA_SOURCE_DIR "/tests/fixtures/images/";

Image image_of(const Pixels& pixels) {
  const std::span<const uint8_t> bytes = pixels.bytes(0);
  const Shape& shape = pixels.shape();
  return {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]),
          std::vector<uint8_t>(bytes.begin(), bytes.end())};
}

Image read(const std::string& name, int channels = 0) {
  return image_of(read_images(image_files_folder + name, {.channels = channels}));
}

std::span<const uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(ImageFile, PngOfEveryKindEqualsPillow) {
  for (const std::string name :
       {"grey", "colour", "one_bit", "palette", "palette_transparent", "grey_alpha", "colour_alpha",
        "grey_16", "colour_16", "interlaced", "one_pixel", "text_bomb"}) {
    EXPECT_EQ(read(name + ".png"), read(name + ".npy")) << name;
  }
}

TEST(ImageFile, JpegOfEveryKindEqualsPillow) {
  for (const std::string name : {"smooth", "full_chroma", "progressive", "grey_jpeg", "cmyk"}) {
    EXPECT_EQ(read(name + ".jpeg"), read(name + ".npy")) << name;
  }
}

// The file of a picture with an EXIF orientation added, as cameras write it.
std::string with_orientation(const std::string& jpeg, char orientation) {
  using namespace std::string_literals;
  const std::string tiff = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + orientation + "\0\0\0\0\0\0\0"s;
  const std::string exif = "Exif\0\0"s + tiff;
  return jpeg.substr(0, 2) + "\xFF\xE1\0"s + static_cast<char>(exif.size() + 2) + exif + jpeg.substr(2);
}

TEST(LargeJpeg, IsDecodedAtAnEighthAsPillowDoes) {
  const std::string path = image_files_folder + "large.jpeg";  // 1603x1411
  const LeastSize least{.height = 176, .width = 200};
  EXPECT_EQ(read_picture(path, 3, least), read("large_8.png"));
  EXPECT_EQ(read_picture(path, 1, least), read("large_8_grey.png"));
  EXPECT_EQ(read_picture(path, 3, {.longer = 200}), read("large_8.png"));
}

TEST(LargeJpeg, IsTurnedAsItsCameraSaysHoweverSmallItIsDecoded) {
  const std::string file = read_file(image_files_folder + "large.jpeg");
  for (const char orientation : {1, 3, 6, 8}) {
    const std::string turned = with_orientation(file, orientation);
    const bool lies = orientation >= 5;
    const LeastSize least{.height = lies ? 200 : 176, .width = lies ? 176 : 200};
    EXPECT_EQ(decode_image(as_bytes(turned), "turned", 3, least), orient(read("large_8.png"), orientation));
    const Image is_lower = decode_image(as_bytes(turned), "turned", 3, {.height = 190});
    EXPECT_EQ(is_lower.height, lies ? 201 : 353) << int{orientation};
  }
}

TEST(LargeJpeg, KeepsWhatIsAskedFor) {
  const std::string path = image_files_folder + "large.jpeg";
  const auto height = [&](const LeastSize& least) { return read_picture(path, 1, least).height; };
  EXPECT_EQ(height({}), 1411);  // nobody asked
  EXPECT_EQ(height({.height = 1, .width = 1}), 177);
  EXPECT_EQ(height({.height = 177}), 353);  // an eighth is 176 whole blocks
  EXPECT_EQ(height({.width = 401}), 706);
  EXPECT_EQ(height({.longer = 640}), 706);
  EXPECT_EQ(height({.longer = 802}), 1411);
}

// 13x9 pixels: no data set changes.
TEST(LargeJpeg, IsTheOnlyOneDecodedSmaller) {
  EXPECT_EQ(read_picture(image_files_folder + "smooth.jpeg", 0, {.height = 1, .width = 1}),
            read("smooth.npy"));
}

TEST(ImageFile, WebPOfEveryKindEqualsPillow) {
  for (const std::string name : {"webp_lossy", "webp_lossless", "webp_alpha", "webp_turn_6", "webp_turn_8"}) {
    const Image image = read(name + ".webp");
    EXPECT_EQ(image, read(name + ".npy")) << name;
    const std::string file = read_file(image_files_folder + name + ".webp");
    const PictureHeader header = picture_header(as_bytes(file), name);
    EXPECT_EQ(header.size, (ImageSize{image.height, image.width})) << name;
    EXPECT_EQ(header.channels, 3);
  }
}

TEST(ImageFile, ExifRotationIsHonoured) {
  for (int turn = 1; turn <= 8; ++turn) {
    const std::string name = "turn_" + std::to_string(turn);
    EXPECT_EQ(read(name + ".jpeg"), read(name + ".npy")) << name;
    const std::string file = read_file(image_files_folder + name + ".jpeg");
    EXPECT_EQ(picture_header(as_bytes(file), name).size, (turn >= 5 ? ImageSize{13, 9} : ImageSize{9, 13}));
  }
}

TEST(ImageFile, ExifOrientationIsReadInEitherByteOrder) {
  for (uint8_t orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(exif_orientation(std::vector<uint8_t>{'I',  'I', 42, 0, 8, 0, 0, 0, 1,           0,  //
                                                    0x12, 1,   3,  0, 1, 0, 0, 0, orientation, 0, 0, 0}),
              orientation);
    EXPECT_EQ(exif_orientation(std::vector<uint8_t>{'M', 'M',  0, 42, 0, 0, 0, 8, 0, 1,  //
                                                    1,   0x12, 0, 3,  0, 0, 0, 1, 0, orientation, 0, 0}),
              orientation);
  }
  EXPECT_EQ(exif_orientation(std::vector<uint8_t>{'I', 'I', 42, 0, 200, 0, 0, 0}), 1);
}

TEST(ImageFile, GreyIsTheJpegsOwnAndRec601Otherwise) {
  EXPECT_EQ(read("smooth.jpeg", 1), read("own_grey.npy"));
  EXPECT_EQ(read("colour.png", 1), read("rec601_grey.npy"));
  const Image colour = read("grey.png", 3);
  EXPECT_EQ(colour.channels, 3);
  EXPECT_EQ(colour.bytes[3], read("grey.npy").bytes[1]);
}

TEST(ImageFile, PngWrittenAndReadIsTheSame) {
  for (const std::string name : {"colour", "grey"}) {
    const Image image = read(name + ".png");
    EXPECT_EQ(decode_image(as_bytes(encode_png(image)), name), image);
  }
}

TEST(ImageFile, PngWrittenByAPaletteHasItsColours) {
  const Palette palette = {{1, 2, 3}, {250, 0, 9}, {7, 7, 7}};
  const Image indices{2, 3, 1, {0, 1, 2, 2, 1, 0}};
  const Image expected{2, 3, 3, {1, 2, 3, 250, 0, 9, 7, 7, 7, 7, 7, 7, 250, 0, 9, 1, 2, 3}};
  EXPECT_EQ(decode_image(as_bytes(encode_png(indices, palette)), "indices"), expected);
}

TEST(ImageFile, BadFilesAreRefusedInOneMessageThatNamesThem) {
  const auto expect = [](const std::string& name, const std::string& part) {
    const std::string message = message_of([&] { read(name); });
    EXPECT_NE(message.find(part), std::string::npos) << "`" << message << "` lacks `" << part << "`";
    EXPECT_NE(message.find(name), std::string::npos) << message;
  };
  expect("bad_cut_off.jpeg", "damaged or cut off JPEG");
  expect("bad_cut_off.png", "damaged or cut off PNG (the file ends early)");
  expect("bad_header.jpeg", "damaged or cut off JPEG");
  expect("bad_text.png", "is not a picture Mudra can read. Give a PNG, JPEG or WebP file");
  expect("bad_20000.png", "is 20000x20000 pixels; at most 64 million are read");
  expect("bad_20000.jpeg", "is 20000x20000 pixels; at most 64 million are read");
  expect("bad_no_pixels.png", "damaged or cut off PNG");
  expect("bad_bomb.png", "has too few bytes for 8000x8000 pixels");
  expect("bad_bomb.jpeg", "has too few bytes for 8000x8000 pixels");
  expect("bad_scans.jpeg", "it has 501 scans");
  expect("bad_cut_off.webp", "damaged or cut off WebP");
  expect("bad_moving.webp", "is a WebP that moves, not one picture");
  for (const std::string kind : {"GIF", "BMP", "TIFF", "HEIC", "AVIF"}) {
    std::string ending = kind;
    for (char& c : ending) c = static_cast<char>(std::tolower(c));
    expect("bad_kind." + ending,
           "is a " + kind + " picture, which Mudra does not read. Convert to JPEG or PNG");
  }
  expect("missing.png", "No such file");
  EXPECT_NE(message_of([&] { read_images(image_files_folder); }).find("is a folder"), std::string::npos);
}

TEST(ImageFile, EveryCutOfAFileIsRefused) {
  for (const std::string name : {"smooth.jpeg", "progressive.jpeg", "colour.png", "palette.png",
                                 "webp_lossy.webp", "webp_lossless.webp", "webp_alpha.webp"}) {
    const std::string file = read_file(image_files_folder + name);
    for (size_t length = 0; length + 2 < file.size();
         ++length) {  // a JPEG may lack its last two bytes, the end mark
      EXPECT_NE(message_of([&] { decode_image(as_bytes(file.substr(0, length)), name); }), "no error")
          << name << " cut to " << length;
    }
  }
}

TEST(ImageFile, HugePicturesAreRefusedInLittleMemory) {
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  for (const std::string name : {"bad_20000.png", "bad_20000.jpeg"}) message_of([&] { read(name); });
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 * 1024);
}

// Every photograph, in colour and in grey, against Pillow: one line a file from hash_photographs.py.
TEST(ImageFile, AllPhotographsDecodeAsWithPillow) {
  MUDRA_NEEDS(photographs("massey"));
  if (!python_has("numpy, PIL")) GTEST_SKIP() << "NumPy or Pillow is not installed";
  const std::string command = "/usr/bin/python3 '" + source_file("tests/reference/hash_photographs.py") +
                              "' '" + photographs("") + "' 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  int files = 0;
  char path[1024];
  int height = 0, width = 0;
  unsigned long colour = 0, grey = 0;
  std::string first_line;
  while (std::fscanf(pipe, "%1023[^\t]\t%d\t%d\t%lx\t%lx\n", path, &height, &width, &colour, &grey) == 5) {
    const auto sum = [](const Image& image) {
      return crc32(0, image.bytes.data(), static_cast<unsigned>(image.bytes.size()));
    };
    const std::string file = read_file(path);
    const Image image = decode_image(as_bytes(file), path, 3);
    EXPECT_EQ(image.height, height) << path;
    EXPECT_EQ(image.width, width) << path;
    EXPECT_EQ(sum(image), colour) << path;
    EXPECT_EQ(sum(decode_image(as_bytes(file), path, 1)), grey) << path;
    ++files;
  }
  EXPECT_EQ(::pclose(pipe), 0) << path;
  EXPECT_EQ(files, 700 + 1651);
}

}  // namespace
}  // namespace mudra
