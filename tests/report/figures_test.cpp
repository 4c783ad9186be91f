#include "mudra/report/figures.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstdlib>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/data/image_file.h"
#include "tests/report/record.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

class Figures : public testing::Test {
 protected:
  void SetUp() override {
    const char* kept = std::getenv("MUDRA_KEEP_FIGURES");  // to look at them
    folder = kept ? fs::path(kept) / testing::UnitTest::GetInstance()->current_test_info()->name()
                  : fs::path(testing::TempDir()) /
                        ("mudra_figures_" +
                         std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder);
    if (std::system("command -v gnuplot >/dev/null") != 0) GTEST_SKIP() << "gnuplot is not installed";
  }
  void TearDown() override {
    if (!std::getenv("MUDRA_KEEP_FIGURES")) fs::remove_all(folder);
  }
  fs::path folder;
};

constexpr const char* names[] = {"loss", "confusion", "examples", "weights"};

TEST_F(Figures, are_png_and_svg_and_the_same_bytes_again) {
  const RunRecord record = make_record({"0", "5"}, 200, {28, 28, 1});
  ASSERT_EQ(draw_figures(record, folder), std::vector<std::string>{});
  std::vector<std::string> first;
  for (const char* name : names) {
    first.push_back(read_file(folder / (std::string(name) + ".png")));
    EXPECT_EQ(first.back().substr(1, 3), "PNG");
    first.push_back(read_file(folder / (std::string(name) + ".svg")));
    EXPECT_NE(first.back().find("</svg>"), std::string::npos);
  }
  ASSERT_EQ(draw_figures(record, folder), std::vector<std::string>{});
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(read_file(folder / (std::string(names[i / 2]) + (i % 2 ? ".svg" : ".png"))), first[i])
        << names[i / 2];
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 8);
}

TEST_F(Figures, take_ten_classes_in_colour) {
  EXPECT_TRUE(
      draw_figures(make_record({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, 500, {40, 30, 3}), folder)
          .empty());
}

TEST_F(Figures, take_hostile_names_literally) {
  const fs::path trap = folder.string() + ".trap";
  const RunRecord record =
      make_record({"'; system('touch " + trap.string() + "') #", "`touch " + trap.string() + "`",
                   "<script>alert(\"1\")</script>", "👋🏽 %s\n\\@x", ""},
                  30, {1, 1, 1});
  EXPECT_EQ(draw_figures(record, folder), std::vector<std::string>{});
  EXPECT_FALSE(fs::exists(trap));
  EXPECT_EQ(read_file(folder / "confusion.svg").find("<script>"), std::string::npos);
}

TEST_F(Figures, take_a_thousand_classes) {
  EXPECT_TRUE(draw_figures(make_record(numbered_classes(1000), 3000, {8, 8, 1}), folder).empty());
  // One picture, not thousands of squares, which would take seconds to draw.
  EXPECT_LT(fs::file_size(folder / "confusion.svg"), 40'000u);
}

TEST_F(Figures, take_one_image_and_no_history) {
  RunRecord record = make_record({"0", "5"}, 1, {28, 28, 1});
  record.history.clear();
  record.weights = {};
  EXPECT_TRUE(draw_figures(record, folder).empty());
  EXPECT_TRUE(fs::exists(folder / "examples.png"));
  EXPECT_FALSE(fs::exists(folder / "loss.png"));
}

TEST_F(Figures, missing_gnuplot_is_said) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  const auto notes = draw_figures(make_record({"0", "5"}, 5, {4, 4, 1}), folder);
  setenv("PATH", path.c_str(), 1);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("gnuplot is not installed"), std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 0);
}

// A gnuplot that does as told in `script`, first on the PATH while this lives.
struct FakeGnuplot {
  explicit FakeGnuplot(const std::string& script) {
    fs::create_directories(tools);
    write_file_atomically(tools / "gnuplot", "#!/bin/sh\n" + script);
    fs::permissions(tools / "gnuplot", fs::perms::owner_all);
    setenv("PATH", (tools.string() + ":" + path).c_str(), 1);
  }
  ~FakeGnuplot() {
    setenv("PATH", path.c_str(), 1);
    fs::remove_all(tools);
  }
  std::string path = std::getenv("PATH");
  fs::path tools = fs::path(testing::TempDir()) / "mudra_fake_gnuplot";
};

TEST_F(Figures, that_gnuplot_leaves_empty_or_cut_off_are_not_kept) {
  for (const std::string script :
       {"exit 0", "for f in loss confusion examples weights; do : > $f.png; : > $f.svg; done",
        "PATH=${PATH#*:} gnuplot \"$@\" && truncate -s -20 weights.svg"}) {
    const FakeGnuplot fake(script);
    const auto notes = draw_figures(make_record({"0", "5"}, 20, {4, 4, 1}), folder);
    ASSERT_EQ(notes.size(), 1u) << script;
    EXPECT_TRUE(notes[0].starts_with("figures were not drawn: gnuplot did not finish ")) << notes[0];
    EXPECT_EQ(notes[0].find("Install"), std::string::npos);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 0) << script;
  }
}

TEST_F(Figures, on_a_full_disk_say_so) {
  fs::create_directories(folder);
  // Room for the script alone, for some figures' beginnings, for most of them: gnuplot exits with 0.
  for (const char* room : {"size=36k", "size=48k", "size=100k", "size=200k"}) {
    if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, room) != 0)
      GTEST_SKIP() << "mounting a small disk is not allowed here";
    std::string said;
    try {
      for (const std::string& note : draw_figures(make_record({"0", "5"}, 1, {4, 4, 1}), folder))
        said += note;
    } catch (const Error& error) {
      said = error.what();
    }
    std::vector<std::string> cut_off;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string bytes = read_file(entry.path());
      if (bytes.find("IEND") == bytes.npos && bytes.find("</svg>") == bytes.npos)
        cut_off.push_back(entry.path().filename().string());
    }
    ::umount(folder.c_str());
    EXPECT_NE(said.find("No space left on device"), std::string::npos) << room << ": " << said;
    EXPECT_EQ(said.find("nstall"), std::string::npos) << said;
    EXPECT_EQ(cut_off, std::vector<std::string>{}) << room;
  }
}

TEST_F(Figures, of_two_classes_are_as_large_as_the_others) {
  draw_figures(make_record({"0", "5"}, 200, {28, 28, 1}), folder);
  const auto pixels = [&](const std::string& name) {
    const Pixels image = read_images((folder / (name + ".png")).string());
    return image.shape()[1] * image.shape()[2];
  };
  EXPECT_GE(pixels("confusion"), pixels("loss"));
}

TEST(Percent, never_rounds_to_all_or_nothing) {
  EXPECT_EQ(percent(0.9999), ">99.9%");
  EXPECT_EQ(percent(1), "100.0%");
  EXPECT_EQ(percent(0.0001), "<0.1%");
  EXPECT_EQ(percent(0.975), "97.5%");
}

}  // namespace
}  // namespace mudra
