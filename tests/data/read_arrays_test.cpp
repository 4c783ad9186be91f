// The files come from NumPy: tests/reference/make_array_fixtures.py.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zip.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "mudra/core/thread_team.h"
#include "mudra/data/read_dataset.h"
#include "tests/message.h"
#include "tests/reference.h"

namespace mudra {
namespace {

const std::string arrays_folder = MUDRA_SOURCE_DIR "/tests/fixtures/arrays/";

Dataset read_with_labels(const std::string& images, const std::string& labels = "labels") {
  ReadOptions options;
  options.labels = arrays_folder + labels + ".npy";
  return read_dataset(arrays_folder + images + ".npy", options);
}

int fixture_pixel(int64_t n, int64_t h, int64_t w, int64_t c) {
  return static_cast<int>((37 * n + 11 * h + 5 * w + 3 * c) % 256);
}

// Checks every pixel against transform(fixture_pixel) / white.
template <class Transform>
void expect_pixels(const Pixels& pixels, const Shape& shape, float white, Transform&& transform) {
  ASSERT_EQ(pixels.shape(), shape) << pixels.shape().text();
  std::vector<float> image(static_cast<size_t>(shape.per_example()));
  for (int64_t n = 0; n < shape[0]; ++n) {
    pixels.read(n, image.data());
    size_t i = 0;
    for (int64_t h = 0; h < shape[1]; ++h)
      for (int64_t w = 0; w < shape[2]; ++w)
        for (int64_t c = 0; c < shape[3]; ++c, ++i)
          ASSERT_NEAR(image[i], static_cast<float>(transform(fixture_pixel(n, h, w, c))) / white, 1e-7)
              << n << "," << h << "," << w << "," << c;
  }
}

std::string refusal(const std::string& images, const std::string& labels = "labels") {
  return message_of([&] { read_with_labels(images, labels); });
}

const auto as_is = [](int v) { return v; };

TEST(ReadArrays, EveryNumberTypeInEitherByteOrderGivesTheSameBytes) {
  for (const std::string kind : {"u1", "u2", "u4", "u8", "i2", "i4", "i8", "f2", "f4", "f8"}) {
    for (const std::string order : {"little_", "big_"}) {
      SCOPED_TRACE(order + kind);
      const Dataset data = read_with_labels(order + kind);
      EXPECT_TRUE(data.pixels.is_bytes());
      expect_pixels(data.pixels, {5, 4, 4, 1}, 255, as_is);
    }
  }
  expect_pixels(read_with_labels("i1").pixels, {5, 4, 4, 1}, 255, [](int v) { return v % 128; });
}

TEST(ReadArrays, HeaderVersionsOneToThreeAreRead) {
  for (const std::string version : {"version_1", "version_2", "version_3"}) {
    expect_pixels(read_with_labels(version).pixels, {5, 4, 4, 1}, 255, as_is);
  }
}

TEST(ReadArrays, TheRangeIsRecognisedAndSaid) {
  const Dataset unit = read_with_labels("unit_f4");
  expect_pixels(unit.pixels, {5, 4, 4, 1}, 255, as_is);
  EXPECT_FALSE(unit.pixels.is_bytes());
  EXPECT_EQ(unit.notes, std::vector<std::string>{"pixel values 0..1 (float32)"});
  expect_pixels(read_with_labels("unit_f8_fortran").pixels, {5, 4, 4, 1}, 255, as_is);

  const Dataset halves = read_with_labels("half_steps_f4");
  expect_pixels(halves.pixels, {5, 4, 4, 1}, 510, as_is);
  EXPECT_EQ(halves.notes, std::vector<std::string>{"pixel values 0..255 (float32)"});

  const Dataset sixteen = read_with_labels("sixteen_bits");
  expect_pixels(sixteen.pixels, {5, 4, 4, 1}, 255, as_is);
  EXPECT_EQ(sixteen.notes, std::vector<std::string>{"pixel values 0..65535 (uint16)"});

  const Dataset black_white = read_with_labels("bool");
  expect_pixels(black_white.pixels, {5, 4, 4, 1}, 1, [](int v) { return v % 2; });
  EXPECT_EQ(black_white.notes, std::vector<std::string>{"pixel values 0..1 (bool), each black or white"});

  EXPECT_EQ(read_with_labels("little_f8").notes,
            std::vector<std::string>{"pixel values 0..255 (float64), whole numbers kept as bytes"});
}

TEST(ReadArrays, EveryShapeIsReadInCAndFortranOrder) {
  for (const std::string order : {"_c", "_fortran"}) {
    SCOPED_TRACE(order);
    expect_pixels(read_with_labels("shape_flat" + order).pixels, {5, 4, 4, 1}, 255, as_is);
    expect_pixels(read_with_labels("shape_nhw" + order).pixels, {5, 3, 7, 1}, 255, as_is);
    expect_pixels(read_with_labels("shape_nhw1" + order).pixels, {5, 3, 7, 1}, 255, as_is);
    expect_pixels(read_with_labels("shape_nhw3" + order).pixels, {5, 3, 7, 3}, 255, as_is);
    expect_pixels(read_with_labels("shape_nchw" + order).pixels, {5, 6, 7, 3}, 255, as_is);
    ReadOptions size;
    size.height = 3, size.width = 5, size.labels = arrays_folder + "labels.npy";
    expect_pixels(read_dataset(arrays_folder + "shape_rows_3x5" + order + ".npy", size).pixels, {5, 3, 5, 1},
                  255, as_is);
  }
}

TEST(ReadArrays, LabelsOfEveryKindBecomeClassesInOrder) {
  const std::vector<std::string> classes = {"0", "5", "9", "10"};
  const std::vector<int32_t> labels = {1, 0, 3, 2, 1};
  for (const std::string form : {"u", "big_u", "s", "i8", "big_i2", "f4", "f2", "column"}) {
    SCOPED_TRACE(form);
    const Dataset data = read_with_labels("little_u1", "labels_" + form);
    EXPECT_EQ(data.classes, classes);
    EXPECT_EQ(data.labels, labels);
  }
  for (const std::string form : {"one_hot", "one_hot_fortran"}) {
    const Dataset data = read_with_labels("little_u1", "labels_" + form);
    EXPECT_EQ(data.classes, (std::vector<std::string>{"0", "1", "2"}));
    EXPECT_EQ(data.labels, (std::vector<int32_t>{2, 0, 1, 1, 2}));
  }
  EXPECT_EQ(read_with_labels("little_u1", "labels_unicode").classes,
            (std::vector<std::string>{"ağ", "é", "手", "🤟"}));
}

TEST(ReadArrays, NpzIsReadStoredAndDeflatedWithItsGroups) {
  for (const std::string name : {"stored.npz", "deflated.npz"}) {
    const Dataset data = read_dataset(arrays_folder + name);
    expect_pixels(data.pixels, {5, 4, 4, 1}, 255, as_is);
    EXPECT_EQ(data.labels, (std::vector<int32_t>{1, 0, 3, 2, 1}));
    EXPECT_EQ(data.group_names, (std::vector<std::string>{"hand1", "hand2", "hand3"}));
    EXPECT_EQ(data.groups, (std::vector<int32_t>{1, 0, 1, 2, 0}));
  }
}

TEST(ReadArrays, TargetsBesideTheImagesAreReadInEitherOrder) {
  for (const std::string name : {"targets_f4", "targets_f8_fortran", "targets_u1"}) {
    SCOPED_TRACE(name);
    const Dataset data = read_dataset(arrays_folder + name + ".npz");
    ASSERT_NE(data.targets, nullptr);
    ASSERT_EQ(data.targets->shape(), (Shape{2, 3, 4}));
    std::vector<float> values(24);
    for (int n = 0; n < 5; ++n) {
      data.targets->read(n, values.data());
      for (int i = 0; i < 24; ++i) {
        const double value = n + i / 12 / 2.0 + i / 4 % 3 / 4.0 + i % 4 / 8.0;
        EXPECT_EQ(values[static_cast<size_t>(i)], name == "targets_u1" ? std::ceil(value) : value) << n << i;
      }
    }
  }
  const Dataset flat = read_dataset(arrays_folder + "targets_flat.npz");
  EXPECT_EQ(flat.targets, nullptr);
  EXPECT_NE(flat.notes.back().find("`targets` of shape [5, 24] is left out"), std::string::npos);
  EXPECT_NE(message_of([] {
              read_dataset(arrays_folder + "targets_bad_length.npz");
            }).find("has the shape [4, 2, 3, 4] for 5 images"),
            std::string::npos);
}

TEST(ReadArrays, StreamedImagesEqualLoadedOnes) {
  ReadOptions stream;
  stream.stream_above = 1;
  const auto check = [&](const std::string& name) {
    SCOPED_TRACE(name);
    ReadOptions load;
    load.labels = stream.labels = name.ends_with(".npz") ? "" : arrays_folder + "labels.npy";
    const Pixels loaded = read_dataset(arrays_folder + name, load).pixels;
    const Pixels streamed = read_dataset(arrays_folder + name, stream).pixels;
    EXPECT_TRUE(streamed.is_streamed());
    ASSERT_EQ(loaded.shape(), streamed.shape());
    std::vector<float> a(static_cast<size_t>(loaded.shape().per_example())), b(a.size());
    for (int64_t i : {4, 0, 2, 3, 1}) {
      loaded.read(i, a.data());
      streamed.read(i, b.data());
      EXPECT_EQ(a, b);
    }
  };
  for (const std::string name : {"little_u1.npy", "big_i4.npy", "unit_f4.npy", "half_steps_f4.npy",
                                 "sixteen_bits.npy", "shape_nchw_c.npy", "shape_nhw3_c.npy", "stored.npz"}) {
    check(name);
  }
  EXPECT_NE(message_of([&] { check("deflated.npz"); }).find("savez instead of numpy.savez_compressed"),
            std::string::npos);
  EXPECT_NE(message_of([&] { check("shape_nhw_fortran.npy"); }).find("ascontiguousarray"), std::string::npos);
}

TEST(ReadArrays, StreamedImagesMayBeReadByManyThreads) {
  for (const std::string name : {"stored.npz", "little_f8.npy", "shape_nchw_c.npy"}) {
    ReadOptions options;
    options.stream_above = 1;
    if (name.ends_with(".npy")) options.labels = arrays_folder + "labels.npy";
    const Pixels streamed = read_dataset(arrays_folder + name, options).pixels;
    options.stream_above = 1 << 20;
    const Pixels loaded = read_dataset(arrays_folder + name, options).pixels;
    const auto size = static_cast<size_t>(loaded.shape().per_example());
    std::atomic<int> wrong = 0;
    ThreadTeam team(4);
    team.run(400, [&](int64_t task) {
      std::vector<float> a(size), b(size);
      streamed.read(task % 5, a.data());
      loaded.read(task % 5, b.data());
      if (a != b) ++wrong;
    });
    EXPECT_EQ(wrong, 0) << name;
  }
}

TEST(ReadArrays, BadInputIsRefusedInOneClearMessage) {
  const auto expect = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << "`" << message << "` lacks `" << part << "`";
  };
  expect(refusal("bad_nan"), "image 3 (counted from 0) has a pixel that is not a number (NaN)");
  expect(refusal("bad_range"),
         "pixel values run from -128 (in image 0, counted from 0) to 68 (in image 4), which is "
         "neither 0..1 nor 0..255 nor -1..1. Rescale them to 0..1");
  expect(refusal("bad_object"), "Python objects");
  expect(refusal("bad_structured"), "structured type");
  expect(refusal("bad_complex"), "the type <c8");
  expect(refusal("bad_truncated"), "declares [5, 16] values of type float64 but holds only 631 bytes");
  expect(refusal("bad_rows"), "declares [99999999999, 16]");
  expect(refusal("bad_overflow"), "declares [9223372036854775807, 9223372036854775807]");
  expect(refusal("bad_magic"), "is no data set");
  expect(refusal("bad_version"), "format version 9");
  expect(refusal("bad_header"), "header that is not NumPy's");
  expect(refusal("bad_no_square"), "15 values an image make no square. Say --size HEIGHTxWIDTH");
  expect(refusal("bad_no_images"), "holds no images");
  expect(refusal("bad_rank"), "has the shape [5, 2, 4, 4, 1]");
  expect(refusal("little_u1", "labels_bad_fraction"), "a label is 9.5");
  expect(refusal("little_u1", "labels_bad_hot"), "row 3 (counted from 0) is not one-hot");
  expect(refusal("little_u1", "labels_bad_length"), "has 4 entries for 5 images");
  expect(refusal("little_u1", "labels_bad_empty"), "entry 2 (counted from 0) is empty");
  expect(refusal("little_u1", "labels_bad_object"), "Python objects");

  const auto npz = [](const std::string& name) {
    return message_of([&] { read_dataset(arrays_folder + name); });
  };
  expect(npz("bad_no_dataset.npz"), "has no array `dataset`. It holds images and labels");
  expect(npz("bad_no_labels.npz"), "has no array `labels`. It holds dataset");
  expect(npz("bad_truncated_member.npz"), "declares [5, 16]");
  expect(npz("bad_cut_off.npz"), "is not a zip archive, or it is cut off");
  expect(npz("bad_checksum.npz"), "CRC");
  expect(npz("bad_not_a_zip.npz"), "is not a zip archive");
  expect(npz("empty.npz"), "is empty");
  expect(npz("missing.npz"), "No such file");
  expect(npz("little_u1.npy"), "holds images without labels");
}

TEST(ReadArrays, ZerosThatInflateTo2500MegabytesAreRefusedInLittleMemory) {
  const std::string path = testing::TempDir() + "bomb.npz";
  int code = 0;
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  ASSERT_NE(zip, nullptr);
  // A source that hands out a NumPy header and then zeros without holding them.
  struct Zeros {
    std::string header;
    uint64_t at = 0;
  } zeros;
  zeros.header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3188775, 784), }";
  zeros.header =
      std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(zeros.header.size()) + '\0' + zeros.header;
  const auto next = [](void* state, void* out, zip_uint64_t size, zip_source_cmd_t command) -> zip_int64_t {
    auto& source = *static_cast<Zeros*>(state);
    const uint64_t total = source.header.size() + 3188775ULL * 784;
    switch (command) {
      case ZIP_SOURCE_OPEN:
        source.at = 0;
        return 0;
      case ZIP_SOURCE_READ: {
        const uint64_t count = std::min<uint64_t>(size, total - source.at);
        for (uint64_t i = 0; i < count; ++i, ++source.at) {
          static_cast<char*>(out)[i] = source.at < source.header.size() ? source.header[source.at] : '\0';
        }
        return static_cast<zip_int64_t>(count);
      }
      case ZIP_SOURCE_STAT:
        zip_stat_init(static_cast<zip_stat_t*>(out));
        return sizeof(zip_stat_t);
      case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
      default:
        return 0;
    }
  };
  const zip_int64_t added = zip_file_add(zip, "dataset.npy", zip_source_function(zip, next, &zeros), 0);
  zip_set_file_compression(zip, static_cast<zip_uint64_t>(added), ZIP_CM_DEFLATE, 1);
  zip_file_add(zip, "labels.npy", zip_source_buffer(zip, "", 0, 0), 0);
  ASSERT_EQ(zip_close(zip), 0) << zip_strerror(zip);
  ASSERT_LT(std::filesystem::file_size(path), 16u << 20);

  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const std::string message = message_of([&] { read_dataset(path); });
  getrusage(RUSAGE_SELF, &after);
  EXPECT_NE(message.find("larger than memory should hold and compressed"), std::string::npos) << message;
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 * 1024);
  std::filesystem::remove(path);
}

TEST(ReadArrays, AnArrayLargerThanMemoryIsReadPieceByPieceInLittleMemory) {
  const std::string path = testing::TempDir() + "large.npy", labels = testing::TempDir() + "large_labels.npy";
  constexpr int64_t images = 200000;  // 1.25 GB of float32, all holes but the last image
  const auto write = [](const std::string& file, std::string header) {
    header = std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size()) + '\0' + header;
    std::ofstream(file, std::ios::binary) << header;
    return header.size();
  };
  const size_t start = write(path, "{'descr': '<f4', 'fortran_order': False, 'shape': (200000, 40, 40), }");
  std::filesystem::resize_file(path, start + images * 1600 * 4);
  const float half = 0.5F;
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out)
      .seekp(static_cast<std::streamoff>(start + images * 1600 * 4 - 4))
      .write(reinterpret_cast<const char*>(&half), 4);
  const size_t label_start = write(labels, "{'descr': '|u1', 'fortran_order': False, 'shape': (200000,), }");
  std::filesystem::resize_file(labels, label_start + images);

  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  ReadOptions options;
  options.labels = labels;
  const Dataset data = read_dataset(path, options);
  EXPECT_TRUE(data.pixels.is_streamed());
  std::vector<float> image(1600);
  data.pixels.read(images - 1, image.data());
  EXPECT_EQ(image.back(), 0.5F);
  const std::vector<Row> rows = {images - 1, 0};
  data.select(rows).pixels.read(1, image.data());
  EXPECT_EQ(image.back(), 0.F);
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 32 * 1024);
  std::filesystem::remove(path);
  std::filesystem::remove(labels);
}

std::string npy_start(std::string header) {
  return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size()) + '\0' + header;
}

TEST(ReadArrays, TheRangeOfAStreamedFileIsKnownFromAllOfIt) {
  const ScratchFolder scratch;
  const std::string path = scratch.path() / "x.npy", labels = scratch.path() / "y.npy";
  std::string pixels(70 * 1024, '\1');
  pixels.back() = '\xC8';
  std::ofstream(path) << npy_start("{'descr': '|u1', 'fortran_order': False, 'shape': (70, 32, 32), }")
                      << pixels;
  std::ofstream(labels) << npy_start("{'descr': '|u1', 'fortran_order': False, 'shape': (70,), }")
                        << std::string(70, '\0');
  ReadOptions options;
  options.labels = labels;
  options.stream_above = 1;
  int64_t told = -1;
  options.progress = Progress([&](int64_t done, int64_t of) {
    EXPECT_GT(done, told);
    EXPECT_EQ(of, 70 * 1024);
    told = done;
  });
  const Dataset data = read_dataset(path, options);
  EXPECT_EQ(told, 65536);
  std::vector<float> image(1024);
  data.pixels.read(0, image.data());
  EXPECT_FLOAT_EQ(image[0], 1 / 255.F);
  data.pixels.read(69, image.data());
  EXPECT_FLOAT_EQ(image.back(), 200 / 255.F);
}

TEST(ReadArrays, MoreImagesThanRowsCanCountAreRefused) {
  const ScratchFolder scratch;
  const std::string path = scratch.path() / "x.npy";
  const std::string start =
      npy_start("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967297, 1, 1), }");
  std::ofstream(path) << start;
  std::filesystem::resize_file(path, start.size() + 4294967297U);
  ReadOptions options;
  options.labels = path;
  EXPECT_NE(message_of([&] {
              read_dataset(path, options);
            }).find("Divide it into files of no more than 4294967296"),
            std::string::npos);
}

TEST(ReadArrays, LabelsThatAreNoUnicodeAreRefused) {
  const ScratchFolder scratch;
  const std::string path = scratch.path() / "x.npy", labels = scratch.path() / "y.npy";
  std::ofstream(path) << npy_start("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1), }") << 'x';
  ReadOptions options;
  options.labels = labels;
  for (const char* point : {"\0\0\x11", "\0\xD8\0"}) {  // beyond the last, and half of a pair
    std::ofstream(labels) << npy_start("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }")
                          << std::string(point, 3) << '\0';
    EXPECT_NE(message_of([&] { read_dataset(path, options); }).find("text that is not Unicode"),
              std::string::npos);
  }
}

TEST(ReadArrays, TheFileBehindTheReportIsRead) {
  const std::string path = photographs("sign-digits/dataset_labels.npz");
  MUDRA_NEEDS(path);
  const auto start = std::chrono::steady_clock::now();
  const Dataset data = read_dataset(path);
  RecordProperty(
      "milliseconds",
      std::to_string(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count()));
  EXPECT_EQ(data.pixels.shape(), (Shape{5000, 28, 28, 1}));
  EXPECT_TRUE(data.pixels.is_bytes());
  EXPECT_EQ(data.classes.size(), 10u);
  for (int32_t c = 0; c < 10; ++c) EXPECT_EQ(std::count(data.labels.begin(), data.labels.end(), c), 500);
  // numpy.load(...)["dataset"].sum(), .reshape(5000, 28, 28)[4321].sum()
  int64_t sum = 0, image = 0;
  for (int64_t i = 0; i < data.size(); ++i) {
    for (uint8_t byte : data.pixels.bytes(i)) sum += byte;
  }
  for (uint8_t byte : data.pixels.bytes(4321)) image += byte;
  EXPECT_EQ(sum, 156292580);
  EXPECT_EQ(image, 31834);
}

TEST(Dataset, KnowsWhereItsRowsCameFrom) {
  Dataset data;
  data.pixels = Pixels({6, 1, 1, 1}, {10, 11, 12, 13, 14, 15});
  data.classes = {"a", "b", "c"};
  data.labels = {0, 1, 2, 0, 1, 2};
  EXPECT_EQ(data.source_row(5), 5U);
  const Dataset kept = data.keep_classes(std::vector<std::string>{"c", "a"});
  EXPECT_EQ(kept.source_rows, (std::vector<Row>{0, 2, 3, 5}));
  const Dataset some = kept.select(std::vector<Row>{3, 1, 1});
  EXPECT_EQ(some.source_rows, (std::vector<Row>{5, 2, 2}));
  for (Row row = 0; row < 3; ++row) EXPECT_EQ(some.pixels.bytes(row)[0], 10 + some.source_row(row));
}

TEST(Dataset, KeepsClassesInTheOrderAsked) {
  const Dataset data = read_dataset(arrays_folder + "stored.npz");
  const Dataset kept = data.keep_classes(std::vector<std::string>{"10", "5"});
  EXPECT_EQ(kept.classes, (std::vector<std::string>{"10", "5"}));
  EXPECT_EQ(kept.labels, (std::vector<int32_t>{1, 0, 1}));
  EXPECT_EQ(kept.groups, (std::vector<int32_t>{1, 1, 0}));
  const auto first = data.pixels.bytes(2), same = kept.pixels.bytes(1);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), same.begin()));
  const std::vector<Row> rows = {2, 0};
  const Dataset twice = kept.select(rows);
  EXPECT_EQ(twice.labels, (std::vector<int32_t>{1, 1}));
  EXPECT_EQ(twice.pixels.bytes(0).data(), data.pixels.bytes(4).data());
  EXPECT_NE(message_of([&] {
              data.keep_classes(std::vector<std::string>{"7"});
            }).find("there is no class `7`. The classes are 0, 5, 9 and 10"),
            std::string::npos);
}

}  // namespace
}  // namespace mudra
