// The files come from Python, NumPy and Pillow: tests/reference/make_source_fixtures.py.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "mudra/core/utf8.h"
#include "mudra/data/image_file.h"
#include "mudra/data/read_dataset.h"
#include "tests/message.h"
#include "tests/reference.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;
using Numbers = std::vector<int32_t>;

const std::string sources_folder = MUDRA_SOURCE_DIR "/tests/fixtures/sources/";

void expect_part(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "`" << message << "` lacks `" << part << "`";
}

// Checks the pixels, where image i of the data is image order[i] of the script.
void expect_five(const Dataset& data, const std::vector<int>& order = {0, 1, 2, 3, 4}) {
  ASSERT_EQ(data.pixels.shape(), (Shape{5, 4, 4, 1})) << data.pixels.shape().text();
  std::vector<float> image(16);
  for (int i = 0; i < 5; ++i) {
    data.pixels.read(i, image.data());
    for (int p = 0; p < 16; ++p) {
      const int expected = (37 * order[static_cast<size_t>(i)] + 11 * (p / 4) + 5 * (p % 4)) % 256;
      ASSERT_NEAR(image[static_cast<size_t>(p)], static_cast<float>(expected) / 255, 1e-7) << i << "," << p;
    }
  }
}

void expect_labels(const Dataset& data) {
  EXPECT_EQ(data.classes, (Texts{"0", "5", "9", "10"}));
  EXPECT_EQ(data.labels, (Numbers{1, 0, 3, 2, 1}));
}

Dataset read_idx_with_labels(const std::string& images) {
  ReadOptions options;
  options.labels = sources_folder + "five-labels-idx1-ubyte";
  return read_dataset(sources_folder + images, options);
}

TEST(ReadIdx, PlainAndGzipFindTheirLabels) {
  for (const std::string name : {"five-images-idx3-ubyte", "five-images-idx3-ubyte.gz"}) {
    SCOPED_TRACE(name);
    const Dataset data = read_dataset(sources_folder + name);
    expect_five(data);
    expect_labels(data);
    EXPECT_TRUE(data.pixels.is_bytes());
  }
  const ScratchFolder scratch;  // as some copies of MNIST are named
  fs::copy(sources_folder + "five-images-idx3-ubyte", scratch.path() / "five-images.idx3-ubyte");
  fs::copy(sources_folder + "five-labels-idx1-ubyte", scratch.path() / "five-labels.idx1-ubyte");
  expect_five(read_dataset(scratch.path() / "five-images.idx3-ubyte"));
}

TEST(ReadIdx, EveryNumberTypeIsRead) {
  for (const std::string name : {"i16.idx", "i32.idx", "f32.idx", "f64.idx"}) {
    SCOPED_TRACE(name);
    expect_five(read_idx_with_labels(name));
  }
}

TEST(ReadIdx, BadFilesAreRefused) {
  const auto refusal = [](const std::string& name) {
    return message_of([&] { read_idx_with_labels(name); });
  };
  expect_part(refusal("bad_cut.idx.gz"), "values are missing");
  expect_part(refusal("bad_huge.idx.gz"), "declares [4000000, 28, 28]");
  expect_part(refusal("bad_largest.idx"), "declares [4294967295, 4294967295] values of type int16");
  expect_part(refusal("bad_type.idx"), "is not an IDX file");
  expect_part(refusal("bad_gzip.idx.gz"), "damaged or cut off gzip");
  expect_part(message_of([&] { read_dataset(sources_folder + "i16.idx"); }), "images without labels");
}

TEST(ReadCsv, EveryFormIsRead) {
  for (const std::string name :
       {"mnist.csv", "mnist.csv.gz", "windows.csv", "no_header.csv", "groups.csv", "unit.csv"}) {
    SCOPED_TRACE(name);
    const Dataset data = read_dataset(sources_folder + name);
    expect_five(data);
    expect_labels(data);
    EXPECT_EQ(data.pixels.is_bytes(), name != "unit.csv");
    if (name == "groups.csv") {
      EXPECT_EQ(data.group_names, (Texts{"hand1", "hand2", "hand3"}));
      EXPECT_EQ(data.groups, (Numbers{1, 0, 1, 2, 0}));
    }
  }
  EXPECT_EQ(read_dataset(sources_folder + "quoted.csv").classes,
            (Texts{"class \"0\", say", "class \"10\", say", "class \"5\", say", "class \"9\", say"}));
}

TEST(ReadCsv, BadLinesAreNamedAndCounted) {
  const Dataset data = read_dataset(sources_folder + "bad_rows.csv");
  expect_five(data);
  ASSERT_EQ(data.skipped.size(), 4u);
  expect_part(data.skipped[0], "bad_rows.csv: line 3: has 3 fields, not 17");
  expect_part(data.skipped[1], "line 5: `x` is not a pixel");
  expect_part(data.skipped[2], "line 7: has no label");
  expect_part(data.skipped[3], "line 10: `nan` is not a pixel");
  EXPECT_EQ(data.notes[0], "4 of 9 lines skipped");
  ReadOptions strict;
  strict.strict = true;
  expect_part(message_of([&] { read_dataset(sources_folder + "bad_rows.csv", strict); }),
              "line 3: has 3 fields");
}

TEST(ReadCsv, ALineLeftOutDoesNotMakeFloatsOfTheOthers) {
  const ScratchFolder scratch;
  const std::string path = scratch.path() / "signs.csv";
  std::ofstream(path)
      << "label,pixel1,pixel2,pixel3,pixel4\n0,1,2,3,4\n1,0.5,x,3,4\n1,5,6,7,255\n1,5,6,7,8,9\n";
  const Dataset data = read_dataset(path);
  ASSERT_EQ(data.skipped.size(), 2u);
  expect_part(data.skipped[1], "line 5: has 6 fields, not 5");
  EXPECT_TRUE(data.pixels.is_bytes());
}

TEST(ReadCsv, BadFilesAreRefused) {
  const auto refusal = [](const std::string& name) {
    return message_of([&] { read_dataset(sources_folder + name); });
  };
  expect_part(refusal("bad_no_label.csv"), "has no column `label`");
  expect_part(refusal("bad_no_square.csv"), "15 values an image make no square. Say --size");
  expect_part(refusal("bad_empty.csv"), "holds no lines");
  expect_part(refusal("bad_only_header.csv"), "holds no usable lines");
}

TEST(ReadFolder, ClassesAreSubFoldersAndFilesAreInOrder) {
  const Dataset data = read_dataset(sources_folder + "folder");
  EXPECT_EQ(data.files, (Texts{"0/é ü.png", "5/a.png", "5/b.png", "9/1.png", "10/deeper/手.PNG"}));
  EXPECT_EQ(data.classes, (Texts{"0", "5", "9", "10"}));
  EXPECT_EQ(data.labels, (Numbers{0, 1, 1, 2, 3}));
  expect_five(data, {1, 4, 0, 3, 2});
  EXPECT_TRUE(data.skipped.empty());
  EXPECT_EQ(data.notes, (Texts{"1 file that is no picture left out"}));
}

TEST(ReadFolder, WhatRunsLeaveAndHiddenFilesAreNoData) {
  const ScratchFolder scratch;
  const fs::path root = scratch.path() / "signs";
  fs::copy(sources_folder + "folder", root, fs::copy_options::recursive);
  const fs::path picture = root / "9/1.png";
  fs::create_directories(root / "run/figures");  // --out signs/run
  fs::create_directories(root / "figures");      // --out signs
  fs::create_directories(root / "5/run/figures");
  for (const char* name : {"run/metrics.jsonl", "report.html", "5/run/report.html"})
    std::ofstream(root / name) << "\n";
  for (const char* name : {"run/figures/loss.png", "figures/loss.png", "5/run/figures/loss.png", "5/._a.png"})
    fs::copy(picture, root / name);
  fs::create_directories(root / "9/figures");  // a folder of that name is data where there was no run
  fs::copy(picture, root / "9/figures/2.png");
  const Dataset data = read_dataset(root);
  EXPECT_EQ(data.files,
            (Texts{"0/é ü.png", "5/a.png", "5/b.png", "9/1.png", "9/figures/2.png", "10/deeper/手.PNG"}));
  EXPECT_EQ(data.notes.back(), "what runs left behind is no data: figures, run and 5/run");
}

TEST(ReadFolder, PicturesOfKindsThatAreNotReadAreNamed) {
  const ScratchFolder scratch;
  fs::create_directories(scratch.path() / "5");
  const std::string images = MUDRA_SOURCE_DIR "/tests/fixtures/images/";
  for (const char* name : {"a.HEIC", "b.heic", "c.gif"})
    fs::copy(images + "bad_kind.heic", scratch.path() / "5" / name);
  expect_part(message_of([&] { read_dataset(scratch.path()); }),
              "holds no PNG, JPEG or WebP pictures in its sub-folders; left out: 1 GIF picture and 2 HEIC "
              "pictures. Convert to JPEG or PNG first");
  fs::copy(images + "webp_lossy.webp", scratch.path() / "5/hand.WebP");
  const Dataset data = read_dataset(scratch.path());
  EXPECT_EQ(data.files, (Texts{"5/hand.WebP"}));
  expect_part(data.notes.front(), "left out: 1 GIF picture and 2 HEIC pictures. Convert");
}

TEST(ReadFolder, LargePicturesAreShrunkWhenAsked) {
  ReadOptions options;
  options.shrink = {3, 2};
  const Dataset data = read_dataset(sources_folder + "folder", options);  // of 4x4
  EXPECT_EQ(data.pixels.shape(), (Shape{5, 2, 2, 1}));
  EXPECT_EQ(data.notes.back(), "pictures of 4x4 brought to 2x2");
  options.shrink.above = 4;
  EXPECT_EQ(read_dataset(sources_folder + "folder", options).pixels.shape(), (Shape{5, 4, 4, 1}));
}

TEST(ReadFolder, MixedSizesAreBroughtToOne) {
  const Dataset data = read_dataset(sources_folder + "mixed");
  EXPECT_EQ(data.pixels.shape(), (Shape{4, 4, 4, 1}));
  EXPECT_EQ(data.notes, (Texts{"pictures of 3 sizes, 2x6 to 8x8, brought to 4x4"}));
  EXPECT_EQ(data.pixels.bytes(0)[5], 16);
  ReadOptions options;
  options.height = 2, options.width = 3, options.channels = 3;
  EXPECT_EQ(read_dataset(sources_folder + "mixed", options).pixels.shape(), (Shape{4, 2, 3, 3}));
}

TEST(ReadFolder, BadPicturesAreNamedAndCounted) {
  const Dataset data = read_dataset(sources_folder + "damaged");
  EXPECT_EQ(data.files, (Texts{"0/good.png", "1/good.png", "2/good.png"}));
  ASSERT_EQ(data.skipped.size(), 3u);
  std::string all;
  for (const std::string& message : data.skipped) all += message + "\n";
  expect_part(all, "1/cut.png: is a damaged or cut off PNG");
  expect_part(all, "1/text.jpg: is not a picture");
  expect_part(all, "2/empty.jpeg: is empty");
  EXPECT_EQ(data.notes, (Texts{"3 of 6 images skipped"}));
  ReadOptions strict;
  strict.strict = true;
  expect_part(message_of([&] { read_dataset(sources_folder + "damaged", strict); }), "is");
  EXPECT_NE(message_of([&] { read_dataset(sources_folder + "damaged", strict); }), "no error");
  expect_part(message_of([&] { read_dataset(sources_folder + "all_bad"); }),
              "all_bad/0/text.png: is not a picture");
  expect_part(message_of([&] { read_dataset(sources_folder + "no_classes"); }), "has no sub-folders");
  expect_part(message_of([&] { read_dataset(sources_folder + "folder/5/a.png"); }),
              "is one picture, not a data set");
}

TEST(ReadFolder, LinksInCirclesAndUnreadableFilesAreSkipped) {
  const std::string root = testing::TempDir() + "mudra_links";
  fs::remove_all(root);
  fs::copy(sources_folder + "folder", root, fs::copy_options::recursive);
  fs::create_directory_symlink("..", root + "/5/up");
  fs::create_directory_symlink(".", root + "/9/here");
  fs::create_symlink("nowhere.png", root + "/9/lost.png");
  if (::geteuid() != 0) {
    fs::copy(root + "/9/1.png", root + "/9/secret.png");
    fs::permissions(root + "/9/secret.png", fs::perms::none);
  }
  fs::create_directory_symlink("/", root + "/10/everything");
  const Dataset data = read_dataset(root);
  EXPECT_EQ(data.size(), 5);
  std::string all;
  for (const std::string& message : data.skipped) all += message + "\n";
  expect_part(all, "5/up: leads to a folder that was read already");
  expect_part(all, "9/here: leads to a folder that was read already");
  expect_part(all, "10/everything: leads to a folder that holds the data themselves");
  expect_part(all, "9/lost.png: cannot read: No such file");
  if (::geteuid() != 0) expect_part(all, "secret.png: cannot read: Permission denied");
  fs::remove_all(root);
}

TEST(ReadGroups, AreMatchedByFileByNameAndByOrder) {
  ReadOptions options;
  for (const std::string name : {"groups_by_file.csv", "groups_by_name.csv"}) {
    options.groups = sources_folder + name;
    const Dataset data = read_dataset(sources_folder + "folder", options);
    EXPECT_EQ(data.group_names, (Texts{"hand1", "hand2", "hand3"}));
    EXPECT_EQ(data.groups, (Numbers{0, 0, 1, 2, 1})) << name;
  }
  for (const std::string name : {"groups_in_order.csv", "groups.npz", "groups_by_file.csv"}) {
    options.groups = sources_folder + name;
    const Dataset data = read_dataset(sources_folder + "mnist.csv", options);
    EXPECT_EQ(data.group_names, (Texts{"hand1", "hand2", "hand3"}));
    EXPECT_EQ(data.groups, (Numbers{1, 0, 1, 2, 0})) << name;
    expect_part(data.notes.back(), "3 groups from");
  }
}

TEST(ReadGroups, ABareNameStandsForAPathOnlyIfItIsClear) {
  const ScratchFolder scratch;
  const fs::path signs = scratch.path() / "signs";
  for (const char* label : {"0", "1"}) {
    fs::create_directories(signs / label);
    fs::copy(sources_folder + "folder/5/a.png", signs / label / "a.png");
  }
  ReadOptions options;
  options.groups = scratch.path() / "groups.csv";
  std::ofstream(options.groups) << "file,group\nx/a.png,anna\ny/a.png,anna\n";
  EXPECT_EQ(read_dataset(signs, options).groups, (std::vector<int32_t>{0, 0}));
  std::ofstream(options.groups) << "file,group\nx/a.png,anna\ny/a.png,bert\n";
  expect_part(message_of([&] { read_dataset(signs, options); }), "names no group for 2 of 2 images");
}

TEST(ReadGroups, AFolderHasItsOwnUnlessAnotherFileIsNamed) {
  const ScratchFolder scratch;
  const fs::path signs = scratch.path() / "signs";
  fs::create_directories(signs / "0");
  for (const char* name : {"0/a.png", "0/b.png"}) fs::copy(sources_folder + "folder/5/a.png", signs / name);
  EXPECT_TRUE(read_dataset(signs).groups.empty());
  std::ofstream(signs / "groups.csv") << "file,group\n0/a.png,bert\n0/b.png,anna\n";
  const Dataset own = read_dataset(signs);
  EXPECT_EQ(own.group_names, (Texts{"anna", "bert"}));
  EXPECT_EQ(own.groups, (Numbers{1, 0}));
  expect_part(own.notes.back(), "2 groups from " + (signs / "groups.csv").string());
  ReadOptions options;
  options.groups = scratch.path() / "other.csv";
  std::ofstream(options.groups) << "file,group\n0/a.png,carl\n0/b.png,carl\n";
  EXPECT_EQ(read_dataset(signs, options).group_names, (Texts{"carl"}));
}

TEST(ReadFolder, FoldersAreFollowedToADepth) {
  const ScratchFolder scratch;
  fs::path deep = scratch.path() / "0";
  for (int level = 0; level < 40; ++level) deep /= "d";
  fs::create_directories(deep);
  fs::copy(sources_folder + "folder/5/a.png", scratch.path() / "0/a.png");
  fs::copy(sources_folder + "folder/5/a.png", scratch.path() / "0/d/d/b.png");
  fs::copy(sources_folder + "folder/5/a.png", deep / "c.png");
  const Dataset data = read_dataset(scratch.path());
  EXPECT_EQ(data.files, (Texts{"0/a.png", "0/d/d/b.png"}));
  ASSERT_EQ(data.skipped.size(), 1u);
  expect_part(data.skipped[0], "d/d: is more than 32 folders deep");
}

// Bytes that are no UTF-8, or not its shortest form, are read as Latin-1.
TEST(Utf8, OnlyTheShortestFormIsText) {
  for (const char* good : {"sign", "\xC3\xBC", "\xE6\x89\x8B", "\xF0\x9F\xA4\x9F"})
    EXPECT_EQ(as_utf8(good), good);
  EXPECT_EQ(as_utf8("\xFC"), "\xC3\xBC");
  EXPECT_EQ(as_utf8("\xC0\xAF"), "\xC3\x80\xC2\xAF");                          // '/' in two bytes
  EXPECT_EQ(as_utf8("\xE0\x80\xAF"), "\xC3\xA0\xC2\x80\xC2\xAF");              // in three
  EXPECT_EQ(as_utf8("\xED\xA0\x80"), "\xC3\xAD\xC2\xA0\xC2\x80");              // half of a pair
  EXPECT_EQ(as_utf8("\xF4\x90\x80\x80"), "\xC3\xB4\xC2\x90\xC2\x80\xC2\x80");  // beyond the last
  EXPECT_EQ(as_utf8("\xE6\x89"), "\xC3\xA6\xC2\x89");                          // cut off
}

TEST(ReadFolder, OfSizesEquallyCommonTheSmallestIsTaken) {
  const ScratchFolder scratch;
  for (const int side : {9, 4, 6}) {
    fs::create_directories(scratch.path() / "0");
    const Image image{side, side, 1, std::vector<uint8_t>(static_cast<size_t>(side * side), 7)};
    std::ofstream(scratch.path() / "0" / (std::to_string(side) + ".png"), std::ios::binary)
        << encode_png(image);
  }
  EXPECT_EQ(read_dataset(scratch.path()).pixels.shape(), (Shape{3, 4, 4, 1}));
}

TEST(ReadGroups, BadFilesAreRefused) {
  const auto refusal = [](const std::string& groups, const std::string& data) {
    ReadOptions options;
    options.groups = sources_folder + groups;
    return message_of([&] { read_dataset(sources_folder + data, options); });
  };
  expect_part(refusal("groups_missing.csv", "folder"),
              "names no group for 2 of 5 images: 5/a.png and 9/1.png");
  expect_part(refusal("groups_short.csv", "mnist.csv"), "has 4 lines for 5 images");
  expect_part(refusal("groups_no_column.csv", "folder"), "has no column `group`");
  expect_part(refusal("groups_in_order.csv", "folder"), "has no column `file`");
  expect_part(refusal("groups_none.npz", "mnist.csv"),
              "has no array `groups`, `group` or `hand`. It holds person");
  expect_part(refusal("missing.csv", "mnist.csv"), "No such file");
}

TEST(ReadFolder, ThePhotographsAndTheirGroupsAreRead) {
  MUDRA_NEEDS(photographs("massey"));
  ReadOptions options;
  options.groups = photographs("massey/groups.csv");
  const Dataset massey = read_dataset(photographs("massey"), options);
  EXPECT_EQ(massey.pixels.shape(), (Shape{700, 200, 200, 3}));
  EXPECT_EQ(massey.group_names, (Texts{"hand1", "hand2", "hand3", "hand4", "hand5"}));
  options.groups = photographs("ankara/groups.csv");
  options.height = options.width = 28, options.channels = 1;
  const Dataset ankara = read_dataset(photographs("ankara"), options);
  EXPECT_EQ(ankara.pixels.shape(), (Shape{1651, 28, 28, 1}));
  EXPECT_EQ(ankara.group_names.size(), 176u);
  EXPECT_TRUE(massey.skipped.empty());
  EXPECT_TRUE(ankara.skipped.empty());
}

}  // namespace
}  // namespace mudra
