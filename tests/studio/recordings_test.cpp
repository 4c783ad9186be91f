// Recorded pictures are files of an ordinary folder: nothing that was acknowledged is lost, whatever happens.
#include "mudra/studio/recordings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>

#include "mudra/core/atomic_file.h"
#include "mudra/data/image_file.h"
#include "mudra/data/read_dataset.h"
#include "mudra/studio/recording_names.h"
#include "tests/message.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

std::string png_of(int value) {
  return encode_png({4, 6, 3, std::vector<uint8_t>(72, static_cast<uint8_t>(value))});
}

class RecordingsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("recordings" + std::to_string(::getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What is in the folder, as a person sees it.
  std::set<std::string> on_disk() const {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      const std::string name = entry.path().lexically_relative(folder_);
      if (!name.starts_with(".") && name != "groups.csv" && name != "mudra.lock" && !entry.is_directory())
        files.insert(name);
    }
    return files;
  }
  static std::set<std::string> known(const Recordings& recordings) {
    std::set<std::string> files;
    for (const Sample& sample : recordings.samples()) files.insert(sample.file);
    return files;
  }
  // `mudra train` reads the same pictures, each in the group of its recording.
  void expect_readable(const Recordings& recordings) const {
    const Dataset data = read_dataset(folder_.string());
    std::set<std::string> files(data.files.begin(), data.files.end());
    EXPECT_EQ(files, known(recordings));
    ASSERT_EQ(data.groups.size(), data.files.size());
    for (const Sample& sample : recordings.samples()) {
      const auto row = static_cast<size_t>(std::ranges::find(data.files, sample.file) - data.files.begin());
      EXPECT_EQ(data.group_names[static_cast<size_t>(data.groups[row])], sample.recording);
      EXPECT_EQ(data.classes[static_cast<size_t>(data.labels[row])], sample.sign);
    }
  }

  fs::path folder_;
  const std::vector<std::string> two_ = {png_of(10), png_of(20)}, one_ = {png_of(30)};
};

TEST_F(RecordingsTest, AreFilesThatATrainingReads) {
  Recordings recordings(folder_);
  const auto added = recordings.add("fist", "a1", two_);
  recordings.add("👋 wave", "b2", one_);
  ASSERT_EQ(added.size(), 2U);
  EXPECT_EQ(added[1].file, "fist/a1-0002.png");
  EXPECT_EQ(added[1].recording, "a1");
  EXPECT_EQ(known(recordings), on_disk());
  EXPECT_EQ(on_disk(), (std::set<std::string>{"fist/a1-0001.png", "fist/a1-0002.png", "👋 wave/b2-0001.png"}));
  expect_readable(recordings);
  EXPECT_EQ(read_file(folder_ / "fist/a1-0002.png"), two_[1]);
}

TEST_F(RecordingsTest, EveryChangeIsTakenBackInTurn) {
  Recordings recordings(folder_);
  recordings.add("a", "r1", two_);
  recordings.add("b", "r2", two_);
  const auto first = known(recordings);
  const uint64_t id = recordings.samples("a")[0].id;
  const std::string file = "a/r1-0001.png";

  const auto moved = recordings.relabel(std::vector{file}, "c");
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_EQ(moved[0].file, "c/r1-0001.png");
  EXPECT_EQ(moved[0].id, id);
  EXPECT_EQ(moved[0].recording, "r1");
  expect_readable(recordings);
  recordings.remove(std::vector<std::string>{"b/r2-0001.png", "c/r1-0001.png"});
  expect_readable(recordings);
  recordings.rename_sign("b", "d");
  EXPECT_EQ(known(recordings), (std::set<std::string>{"a/r1-0002.png", "d/r2-0002.png"}));
  expect_readable(recordings);
  recordings.remove_sign("d");
  EXPECT_EQ(recordings.signs(), (std::vector<std::string>{"a", "c"}));
  recordings.add_sign("e");

  EXPECT_EQ(recordings.undo(), "make the sign e");
  EXPECT_EQ(recordings.undo(), "delete d, 1 picture of it");
  EXPECT_EQ(recordings.undo(), "rename b to d");
  EXPECT_EQ(recordings.undo(), "delete 2 pictures of b and c");
  EXPECT_EQ(recordings.undo(), "call a picture c");
  EXPECT_EQ(known(recordings), first);
  EXPECT_EQ(recordings.signs(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(recordings.samples("a")[0].id, id);
  EXPECT_EQ(on_disk(), first);
  expect_readable(recordings);
  recordings.undo();
  EXPECT_EQ(recordings.undo(), "add 2 pictures of a");
  EXPECT_TRUE(on_disk().empty());
  EXPECT_TRUE(recordings.signs().empty());
  EXPECT_NE(message_of([&] { recordings.undo(); }).find("nothing to take back"), std::string::npos);
}

TEST_F(RecordingsTest, ARecordingThatCameInPartsIsTakenBackAsOne) {
  Recordings recordings(folder_);
  recordings.add("a", "r0", one_);
  recordings.add("a", "r1", two_);
  recordings.add("a", "r1", one_);
  EXPECT_EQ(recordings.undoable(), "add 3 pictures of a");
  recordings.add("b", "r1", one_);  // the same recording, of another sign
  recordings.undo();
  recordings.undo();
  EXPECT_EQ(on_disk(), std::set<std::string>{"a/r0-0001.png"});
}

TEST_F(RecordingsTest, WhatCannotComeBackIsGone) {
  Recordings recordings(folder_);
  recordings.add("a", "r1", two_);
  const auto removed = [&] {
    const fs::directory_iterator files(folder_ / ".removed");
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  };
  for (size_t i = 0; i < most_changes; ++i) {
    const auto added = recordings.add("a", "x" + std::to_string(i), one_);
    recordings.remove(std::vector{added[0].file});
  }
  EXPECT_EQ(removed(), most_changes / 2);
  recordings.undo();
  EXPECT_EQ(removed(), most_changes / 2 - 1);
  recordings.undo();  // of an addition
  EXPECT_EQ(removed(), most_changes / 2 - 1);
  EXPECT_EQ(known(recordings), on_disk());
}

TEST_F(RecordingsTest, AreFoundAgain) {
  std::set<std::string> before;
  {
    Recordings recordings(folder_);
    recordings.add("a", "r1", two_);
    recordings.add("10", "r2", one_);
    recordings.add("9", "r3", one_);
    recordings.remove(std::vector<std::string>{"a/r1-0001.png"});
    before = known(recordings);
  }
  EXPECT_FALSE(fs::exists(folder_ / ".removed"));
  std::ofstream(folder_ / "a/r1-0007.png.mudra-abc123") << "half a pict";
  Recordings recordings(folder_);
  EXPECT_EQ(known(recordings), before);
  EXPECT_EQ(recordings.signs(), (std::vector<std::string>{"9", "10", "a"}));
  EXPECT_EQ(recordings.samples("9")[0].recording, "r3");
  EXPECT_EQ(recordings.add("a", "r1", one_)[0].file, "a/r1-0003.png");
  EXPECT_FALSE(fs::exists(folder_ / "a/r1-0007.png.mudra-abc123"));
}

TEST_F(RecordingsTest, SeeWhatOthersChangeInTheFolder) {
  Recordings recordings(folder_);
  recordings.add("a", "r1", two_);
  const uint64_t version = recordings.version(), id = recordings.samples("a")[1].id;
  EXPECT_FALSE(recordings.refresh());
  EXPECT_EQ(recordings.version(), version);

  fs::remove(folder_ / "a/r1-0001.png");
  fs::create_directories(folder_ / "b/deep");
  write_file_atomically(folder_ / "b/deep/photo.jpg.png", png_of(40));
  EXPECT_TRUE(recordings.refresh());
  EXPECT_GT(recordings.version(), version);
  EXPECT_EQ(known(recordings), (std::set<std::string>{"a/r1-0002.png", "b/deep/photo.jpg.png"}));
  EXPECT_EQ(recordings.samples("a")[0].id, id);
  EXPECT_EQ(recordings.samples("b")[0].recording, "of b");
  expect_readable(recordings);
  EXPECT_FALSE(recordings.refresh());

  fs::remove_all(folder_ / "a");
  EXPECT_NE(
      message_of([&] { recordings.remove(std::vector<std::string>{"a/r1-0002.png"}); }).find("look again"),
      std::string::npos);
  EXPECT_TRUE(recordings.refresh());
  EXPECT_EQ(recordings.signs(), (std::vector<std::string>{"b"}));
  EXPECT_NE(message_of([&] { recordings.undo(); }).find("changed by somebody else"), std::string::npos);
}

TEST_F(RecordingsTest, KeepTheGroupsThatAFolderHasAlready) {
  fs::create_directories(folder_ / "5");
  write_file_atomically(folder_ / "5/IMG_1.png", png_of(1));
  write_file_atomically(folder_ / "5/IMG_2.png", png_of(2));
  write_file_atomically(folder_ / "groups.csv", "file,label,group\n5/IMG_1.png,5,Ada\n5/IMG_2.png,5,Bo\n");
  Recordings recordings(folder_);
  EXPECT_EQ(recordings.samples("5")[1].recording, "Bo");
  recordings.add("5", "r1", one_);
  expect_readable(recordings);
}

TEST_F(RecordingsTest, RefuseNamesThatLeadElsewhere) {
  Recordings recordings(folder_);
  for (const char* name :
       {"", ".", "..", "../x", "a/b", ".removed", "groups.csv", "mudra.lock", "a\nb", "a\u202e"})
    EXPECT_FALSE(is_sign_name(name)) << name;
  EXPECT_FALSE(is_sign_name(std::string(101, 'x')));
  for (const char* name : {"a", "10", "<script>", "👋🏽", "a b", "a\\b", "CON"})
    EXPECT_TRUE(is_sign_name(name)) << name;
  for (const char* name : {"", "A", "a-1", "../a", "a b"}) EXPECT_FALSE(is_recording_name(name)) << name;
  EXPECT_NE(message_of([&] { recordings.add("..", "r1", one_); }), "no error");
  EXPECT_NE(message_of([&] { recordings.add("a", "../r1", one_); }), "no error");
  recordings.add("a", "r1", one_);
  EXPECT_NE(message_of([&] { recordings.relabel(std::vector<std::string>{"../secret.png"}, "a"); }),
            "no error");
  EXPECT_NE(message_of([&] { recordings.relabel(std::vector<std::string>{"a/r1-0001.png"}, "../b"); }),
            "no error");
  EXPECT_EQ(on_disk(), known(recordings));
}

TEST_F(RecordingsTest, AreAllKeptOrNone) {
  Recordings recordings(folder_);
  recordings.add("a", "r1", one_);
  const auto before = on_disk();
  const uint64_t version = recordings.version();
  fs::create_directories(folder_ / "a/r2-0002.png");  // where the second picture would stand
  EXPECT_NE(message_of([&] { recordings.add("a", "r2", two_); }), "no error");
  fs::remove(folder_ / "a/r2-0002.png");
  EXPECT_EQ(on_disk(), before);
  EXPECT_EQ(recordings.version(), version);
  EXPECT_EQ(recordings.undoable(), "add 1 picture of a");
}

TEST_F(RecordingsTest, AreNoMoreThanMemoryHolds) {
  Recordings recordings(folder_);
  const std::vector<std::string> many(most_samples + 1);
  EXPECT_NE(message_of([&] { recordings.add("a", "r1", many); }).find("there is room for 100,000"),
            std::string::npos);
  EXPECT_TRUE(recordings.signs().empty());
}

TEST_F(RecordingsTest, ToMoveNothingChangesNothing) {
  Recordings recordings(folder_);
  recordings.add("a", "r1", one_);
  const uint64_t version = recordings.version();
  EXPECT_TRUE(recordings.relabel({}, "b").empty());
  EXPECT_TRUE(recordings.relabel(std::vector<std::string>{"a/r1-0001.png"}, "a").empty());
  EXPECT_EQ(recordings.version(), version);
  EXPECT_EQ(recordings.signs(), std::vector<std::string>{"a"});
  EXPECT_FALSE(fs::exists(folder_ / "b"));
  EXPECT_EQ(recordings.relabel(std::vector<std::string>{"a/r1-0001.png", "a/r1-0001.png"}, "b").size(), 1U);
}

TEST_F(RecordingsTest, AFolderMayBeNamedWithASlash) {
  Recordings recordings(folder_ / "");
  EXPECT_EQ(recordings.folder(), folder_);
  recordings.add("a", "r1", one_);
  EXPECT_EQ(known(recordings), std::set<std::string>{"a/r1-0001.png"});
}

TEST_F(RecordingsTest, BelongToOneProgram) {
  const Recordings recordings(folder_);
  EXPECT_NE(message_of([&] { const Recordings second(folder_); }).find("--data"), std::string::npos);
}

}  // namespace
}  // namespace mudra
