#include "mudra/data/write_dataset.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "mudra/core/atomic_file.h"
#include "mudra/core/rng.h"
#include "mudra/data/csv.h"
#include "mudra/data/read_dataset.h"
#include "tests/message.h"
#include "tests/reference.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

class WriteDataset : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "mudra_write_" +
              testing::UnitTest::GetInstance()->current_test_info()->name() + "/";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string folder_;
};

Dataset make_data(Pixels pixels) {
  Dataset data;
  data.pixels = std::move(pixels);
  data.classes = {"0", "7", "10"};
  data.group_names = {"anna, left", "手"};
  for (int32_t i = 0; i < data.size(); ++i) {
    data.labels.push_back((2 * i + 1) % 3);
    data.groups.push_back(i % 2);
  }
  return data;
}

Pixels byte_pixels(const Shape& shape) {
  std::vector<uint8_t> bytes(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 5);
  return Pixels(shape, std::move(bytes));
}

Pixels float_pixels(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 83) / 83;
  return Pixels(shape, std::move(values), 1);
}

void expect_equal(const Dataset& a, const Dataset& b) {
  EXPECT_EQ(a.classes, b.classes);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.group_names, b.group_names);
  EXPECT_EQ(a.groups, b.groups);
  ASSERT_EQ(a.pixels.shape(), b.pixels.shape()) << b.pixels.shape().text();
  std::vector<float> x(static_cast<size_t>(a.pixels.shape().per_example())), y(x.size());
  for (int64_t i = 0; i < a.size(); ++i) {
    a.pixels.read(i, x.data());
    b.pixels.read(i, y.data());
    ASSERT_EQ(x, y) << "image " << i;
  }
}

TEST_F(WriteDataset, WhatIsWrittenIsReadBackEqualInEveryForm) {
  const std::vector<Pixels> kinds = {
      byte_pixels({5, 4, 4, 1}),  byte_pixels({5, 3, 6, 1}),
      byte_pixels({5, 3, 6, 3}),  float_pixels({5, 4, 4, 1}),
      float_pixels({5, 3, 6, 3}), Pixels({5, 2, 2, 1}, std::vector<uint8_t>(20, 1))};
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    const Dataset data = make_data(kinds[kind]);
    for (const std::string form :
         {".npz", ".npy", ".csv", ".csv.gz", ".idx", ".idx.gz", "-images-idx3-ubyte.gz"}) {
      SCOPED_TRACE(std::to_string(kind) + form);
      const std::string stem = folder_ + std::to_string(kind), path = stem + form;
      write_dataset(data, path);
      ReadOptions options;
      options.height = static_cast<int>(data.pixels.shape()[1]);
      options.width = static_cast<int>(data.pixels.shape()[2]);
      if (form == ".npy") options.labels = stem + "-labels.npy";
      if (form.starts_with(".idx")) options.labels = stem + "-labels" + form;
      if (form == ".npy" || form.starts_with(".idx")) options.groups = stem + "-groups.csv";
      if (form.starts_with("-images")) options.groups = path.substr(0, path.size() - 3) + "-groups.csv";
      expect_equal(data, read_dataset(path, options));
    }
  }
}

TEST_F(WriteDataset, TargetsAreKeptByNpzAndElsewhereMissed) {
  Dataset data = make_data(byte_pixels({5, 4, 4, 1}));
  std::vector<float> values;
  for (int i = 0; i < 5 * 2 * 3 * 2; ++i) values.push_back(static_cast<float>(i) / 7);
  data.targets = std::make_shared<StoredTargets>(Shape{2, 3, 2}, values);
  EXPECT_TRUE(write_dataset(data, folder_ + "targets.npz").empty());
  const Dataset read = read_dataset(folder_ + "targets.npz");
  ASSERT_NE(read.targets, nullptr);
  ASSERT_EQ(read.targets->shape(), (Shape{2, 3, 2}));
  std::vector<float> found(12);
  for (size_t i = 0; i < 5; ++i) {
    read.targets->read(static_cast<int64_t>(i), found.data());
    EXPECT_TRUE(std::equal(found.begin(), found.end(), values.begin() + static_cast<std::ptrdiff_t>(12 * i)));
  }
  EXPECT_NE(write_dataset(data, folder_ + "targets.csv").back().find("targets were left out"),
            std::string::npos);
}

TEST_F(WriteDataset, AFolderHoldsTheSameImagesInTheOrderOfTheClasses) {
  const Dataset data = make_data(byte_pixels({5, 3, 6, 3}));
  write_dataset(data, folder_ + "pictures");
  const Dataset read = read_dataset(folder_ + "pictures");  // with its groups.csv
  expect_equal(data.select(std::vector<Row>{1, 4, 0, 3, 2}), read);
  EXPECT_EQ(read.files[0], "0/0000001.png");
  EXPECT_NE(message_of([&] { write_dataset(data, folder_ + "pictures"); }).find("is there already"),
            std::string::npos);
}

TEST_F(WriteDataset, CompressedNpzIsEqualAndSmaller) {
  const Dataset data = make_data(Pixels({5, 64, 64, 1}, std::vector<uint8_t>(5 * 4096, 9)));
  write_dataset(data, folder_ + "plain.npz");
  write_dataset(data, folder_ + "small.npz", {.compress = true});
  expect_equal(data, read_dataset(folder_ + "small.npz"));
  EXPECT_LT(fs::file_size(folder_ + "small.npz"), fs::file_size(folder_ + "plain.npz") / 5);
}

// Names that line breaks, quotes, spreadsheets and apostrophes before them might change.
const std::vector<std::string> odd_names = {"-5",   "\t=1", "\r\n=1", "''x",  "'=x",  "'x",     "'-5",
                                            "=1+1", "@x",   "a b",    "a\nb", "a\rb", "a\r\nb", "+5",
                                            "-x",   " x",   "x,y",    "\"x",  "\"\"", "'"};

TEST_F(WriteDataset, ACsvKeepsEveryName) {
  const auto count = static_cast<int64_t>(odd_names.size());
  Dataset data;
  data.pixels = byte_pixels({count, 4, 4, 1});
  data.classes = odd_names;
  data.group_names = odd_names;
  for (int32_t i = 0; i < count; ++i) {
    data.labels.push_back(i);
    data.groups.push_back(static_cast<int32_t>(count) - 1 - i);
  }
  for (const char* form : {"x.csv", "x.csv.gz"}) {
    write_dataset(data, folder_ + form);
    const Dataset read = read_dataset(folder_ + form);
    ASSERT_EQ(read.size(), count) << form;
    for (size_t i = 0; i < odd_names.size(); ++i) {
      EXPECT_EQ(read.classes[static_cast<size_t>(read.labels[i])], odd_names[i]) << form;
      EXPECT_EQ(read.group_names[static_cast<size_t>(read.groups[i])], odd_names[odd_names.size() - 1 - i]);
    }
  }
}

// OWASP, "CSV injection": the characters with which a spreadsheet's formula may begin.
TEST(CsvField, NoSpreadsheetRunsIt) {
  for (const char* formula : {"=1+1", "+1", "-x", "-nan(A1)", "-inf", "@SUM(A1)", "'=1"})
    EXPECT_EQ(csv_field(formula), "'" + std::string(formula));
  EXPECT_EQ(csv_field("\tx"), "\"'\tx\"");
  EXPECT_EQ(csv_field("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(csv_field("=HYPERLINK(\"a\",\"b\")"), "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"");
  for (const char* text : {"", "5", "-1", "-2.5e-3", "a=b", "a-b", "'x", "'"})
    EXPECT_EQ(csv_field(text), text);
}

TEST_F(WriteDataset, AQuoteThatNothingClosesIsNamed) {
  std::ofstream(folder_ + "open.csv") << "label,p1,p2,p3,p4\na,1,2,3,4\n\"b,1,2,3,4\nc,1,2,3,4\n";
  const std::string message = message_of([&] { read_dataset(folder_ + "open.csv"); });
  EXPECT_NE(message.find("line 3 opens a quote"), std::string::npos) << message;
}

TEST_F(WriteDataset, AFolderTouchesNoOtherAndHasThePermissionsOfItsPlace) {
  const Dataset data = make_data(byte_pixels({5, 3, 6, 1}));
  fs::create_directory(folder_ + "x.partial");
  std::ofstream(folder_ + "x.partial/mine") << "mine";
  const mode_t before = umask(027);
  write_dataset(data, folder_ + "x");
  umask(before);
  EXPECT_TRUE(fs::exists(folder_ + "x.partial/mine"));
  EXPECT_EQ(fs::status(folder_ + "x").permissions(), fs::perms(0750));
  fs::create_directory_symlink("later", folder_ + "link");
  write_dataset(data, folder_ + "link");
  EXPECT_TRUE(fs::is_symlink(folder_ + "link") && fs::exists(folder_ + "later/0/0000001.png"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 4);
}

TEST_F(WriteDataset, AFolderOfAClassWhoseNameIsTooLongLeavesNothing) {
  Dataset data = make_data(byte_pixels({5, 3, 6, 1}));
  data.classes[1] = "long" + std::string(296, 'g');
  const std::string message = message_of([&] { write_dataset(data, folder_ + "x"); });
  EXPECT_NE(message.find("class `longggg"), std::string::npos) << message;
  EXPECT_NE(message.find("300 bytes"), std::string::npos) << message;
  data.classes[1] = "";
  EXPECT_NE(message_of([&] { write_dataset(data, folder_ + "x"); }).find("cannot be the name"),
            std::string::npos);
  // A path that is too long is found only on the way.
  const std::string deep = folder_ + std::string(200, 'd');
  data.classes[1] = std::string(255, 'g');
  std::string path = deep;
  while (path.size() < 3700) path += "/" + std::string(200, 'd');
  EXPECT_NE(message_of([&] { write_dataset(data, path); }), "no error");
  for (const auto& entry : fs::recursive_directory_iterator(deep))
    EXPECT_TRUE(entry.is_directory() && entry.path().filename().string()[0] == 'd') << entry.path();
}

TEST_F(WriteDataset, RowsThatHardlyPackArePackedWhole) {
  std::vector<uint8_t> noise(size_t{2} * 500 * 500);
  Rng rng(1, Purpose::test);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(rng.below(256));
  const Dataset data = make_data(Pixels({2, 500, 500, 1}, noise));
  for (const char* form : {"x-images-idx3-ubyte.gz", "x.csv.gz", "x.npz"}) {
    write_dataset(data, folder_ + form, {.compress = true});
    const Dataset read = read_dataset(folder_ + form);
    for (int64_t image = 0; image < 2; ++image)
      EXPECT_TRUE(std::ranges::equal(read.pixels.bytes(image), data.pixels.bytes(image))) << form;
  }
}

TEST_F(WriteDataset, IdxHoldsClassNumbersOfAnySize) {
  for (const char* largest : {"255", "256", "-7", "70000"}) {
    Dataset data = make_data(byte_pixels({5, 4, 4, 1}));
    data.classes[1] = largest;
    write_dataset(data, folder_ + "x-images-idx3-ubyte");
    const Dataset read = read_dataset(folder_ + "x-images-idx3-ubyte");
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(read.classes[static_cast<size_t>(read.labels[i])],
                data.classes[static_cast<size_t>(data.labels[i])]);
    }
  }
}

TEST_F(WriteDataset, ImagesAreNotReplacedWhereTheirLabelsCannotBe) {
  for (const char* form : {".npy", ".idx", ".idx.gz"}) {
    const std::string path = folder_ + "x" + form, labels = folder_ + "x-labels" + form;
    std::ofstream(path) << "earlier";
    fs::create_directory(labels);
    EXPECT_NE(message_of([&] { write_dataset(make_data(byte_pixels({5, 4, 4, 1})), path); }), "no error");
    EXPECT_EQ(read_file(path), "earlier") << form;
  }
}

TEST_F(WriteDataset, AnArchiveHoldsNoTime) {
  write_dataset(make_data(byte_pixels({5, 4, 4, 1})), folder_ + "x.npz");
  std::ifstream file(folder_ + "x.npz", std::ios::binary);
  std::string start(14, '\0');
  file.read(start.data(), 14);
  EXPECT_EQ(start.substr(10), std::string("\0\0\x21\0", 4));  // 1980-01-01, the first a zip can say
}

TEST_F(WriteDataset, StreamedImagesAreWrittenWithoutBeingLoaded) {
  const Dataset data = make_data(float_pixels({5, 4, 4, 1}));
  write_dataset(data, folder_ + "data.npz");
  ReadOptions stream;
  stream.stream_above = 1;
  const Dataset streamed = read_dataset(folder_ + "data.npz", stream);
  EXPECT_TRUE(streamed.pixels.is_streamed());
  write_dataset(streamed, folder_ + "again.npz");
  expect_equal(data, read_dataset(folder_ + "again.npz"));
}

TEST_F(WriteDataset, NumPyReadsWhatIsWritten) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2> /dev/null") != 0)
    GTEST_SKIP() << "NumPy is not here";
  write_dataset(make_data(byte_pixels({5, 3, 6, 1})), folder_ + "bytes.npz");
  write_dataset(make_data(float_pixels({5, 3, 6, 3})), folder_ + "floats.npy");
  const std::string script = folder_ + "check.py";
  std::ofstream(script) << R"(
import sys, numpy as np
folder = sys.argv[1]
data = np.load(folder + "bytes.npz")
i = np.arange(5 * 3 * 6)
assert data["dataset"].dtype == "u1" and (data["dataset"] == ((i * 7 + i // 5) % 256).reshape(5, 3, 6)).all()
assert data["labels"].dtype == "<U2" and list(data["labels"]) == ["7", "0", "10", "7", "0"]
assert list(data["groups"]) == ["anna, left", "手", "anna, left", "手", "anna, left"]
floats = np.load(folder + "floats.npy")
i = np.arange(5 * 3 * 6 * 3)
assert floats.dtype == "<f4" and (floats == ((i % 83).astype("f4") / np.float32(83)).reshape(5, 3, 6, 3)).all()
)";
  EXPECT_EQ(std::system(("/usr/bin/python3 " + script + " " + folder_).c_str()), 0);
}

TEST_F(WriteDataset, WhatAFormCannotHoldIsRefused) {
  Dataset data = make_data(byte_pixels({5, 4, 4, 1}));
  data.classes = {"a/b", "hello", "."};
  const auto refusal = [&](const std::string& name) {
    return message_of([&] { write_dataset(data, folder_ + name); });
  };
  EXPECT_NE(refusal("x.idx").find("IDX holds only numbers"), std::string::npos);
  EXPECT_NE(refusal("x").find("class `a/b` cannot be the name of a folder"), std::string::npos);
  data.classes = {"a", "hello", ".b"};
  EXPECT_NE(refusal("x").find("class `.b` cannot be the name of a folder"), std::string::npos);
  EXPECT_NE(refusal("x.bmp").find("`.bmp` is no form of data"), std::string::npos);
  EXPECT_NE(refusal("no/folder/x.npz").find("cannot write"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(WriteDataset, ThePhotographsSurviveEveryForm) {
  const std::string path = photographs("sign-digits/dataset_labels.npz");
  MUDRA_NEEDS(path);
  const Dataset data = read_dataset(path);
  for (const std::string form : {".npz", ".csv", "-images-idx3-ubyte.gz"}) {
    write_dataset(data, folder_ + "all" + form);
    expect_equal(data, read_dataset(folder_ + "all" + form));
  }
}

}  // namespace
}  // namespace mudra
