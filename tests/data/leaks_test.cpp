#include "mudra/data/leaks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "mudra/core/portable_math.h"
#include "mudra/core/rng.h"
#include "mudra/data/fingerprint.h"
#include "mudra/data/near_copies.h"
#include "mudra/data/read_dataset.h"
#include "tests/reference.h"

namespace mudra {
namespace {

// A picture as a function of the plane: a dozen soft blobs. Turned, scaled and shifted exactly, not
// resampled.
struct Picture {
  struct Blob {
    double x, y, width, height;
  };
  std::vector<Blob> blobs;

  explicit Picture(uint64_t number) {
    Rng rng(7, Purpose::test, 0, number);
    for (int i = 0; i < 12; ++i) {
      const double angle = rng.uniform(0, 6.28), radius = 9 * rng.uniform();
      blobs.push_back({radius * portable::cos(angle), radius * portable::sin(angle), rng.uniform(1.2, 3),
                       rng.uniform(-1, 1)});
    }
  }

  // Brightness is `light` times the picture plus a slope; the picture is turned clockwise by `degrees`.
  std::vector<float> draw(double degrees, double scale, double shift_x, double shift_y, double light) const {
    const double angle = degrees * portable::pi / 180;
    const double c = portable::cos(angle), s = portable::sin(angle);
    std::vector<float> image;
    for (int row = 0; row < 28; ++row) {
      for (int column = 0; column < 28; ++column) {
        const double x = (column - 13.5 - shift_x) / scale, y = (row - 13.5 - shift_y) / scale;
        const double px = c * x + s * y, py = c * y - s * x;
        double value = 0;
        for (const Blob& blob : blobs) {
          const double dx = px - blob.x, dy = py - blob.y;
          value += blob.height * portable::exp(-(dx * dx + dy * dy) / (2 * blob.width * blob.width));
        }
        image.push_back(static_cast<float>(0.5 + 0.15 * light * value + 0.002 * column));
      }
    }
    return image;
  }
};

struct Change {
  double degrees, scale, x, y, light;
};
constexpr Change changes[] = {{0, 1, 0, 0, 1},       {35, 1, 0, 0, 1},    {-70, 1, 0, 0, 1},
                              {70, 1, 0.5, 0, 1.3},  {20, 1.1, 1, -1, 1}, {-45, 0.9, -1, 1, 0.7},
                              {10, 1, 2.5, -1.5, 1}, {5, 0.85, 0, 0, 1}};

TEST(Leaks, ATurnedScaledShiftedOrDarkerCopyIsFoundWithItsAngle) {
  std::vector<Fingerprint> fingerprints;
  std::vector<Row> candidates;
  for (uint64_t i = 0; i < 100; ++i) {
    fingerprints.push_back(make_fingerprint(Picture(i).draw(0, 1, 0, 0, 1)));
    candidates.push_back(static_cast<Row>(i));
  }
  ThreadTeam team(1);
  for (const Change& change : changes) {
    int found = 0;
    for (uint64_t i = 0; i < 40; ++i) {
      fingerprints.push_back(
          make_fingerprint(Picture(i).draw(change.degrees, change.scale, change.x, change.y, change.light)));
      const std::vector<Row> query{static_cast<Row>(fingerprints.size() - 1)};
      const auto copies = find_copies(fingerprints, query, candidates, team)[0];
      fingerprints.pop_back();
      if (copies.empty()) continue;
      EXPECT_EQ(copies.size(), 1U);
      EXPECT_EQ(copies[0].row, static_cast<int64_t>(i));
      EXPECT_NEAR(copies[0].degrees, change.degrees, 2);
      ++found;
    }
    EXPECT_GE(found, 36) << change.degrees << " degrees, scale " << change.scale << ", shift " << change.x;
  }
}

TEST(Leaks, ImagesOfDifferentThingsAreNoCopies) {
  std::vector<Fingerprint> fingerprints;
  std::vector<Row> first, second;
  for (uint64_t i = 0; i < 400; ++i) {
    fingerprints.push_back(make_fingerprint(Picture(i).draw(0, 1, 0, 0, 1)));
    (i < 200 ? first : second).push_back(static_cast<Row>(i));
  }
  ThreadTeam team(1);
  for (const auto& copies : find_copies(fingerprints, first, second, team)) EXPECT_TRUE(copies.empty());
}

TEST(Leaks, AnEmptyImageIsNobodysCopy) {
  const std::vector<float> black(28 * 28, 0.F), white(28 * 28, 1.F);
  const std::vector<Fingerprint> fingerprints{make_fingerprint(black), make_fingerprint(white)};
  ThreadTeam team(1);
  EXPECT_TRUE(find_copies(fingerprints, std::vector<Row>{0}, std::vector<Row>{1}, team)[0].empty());
}

// 60 pictures, each followed by a turned copy of it.
Dataset pictures_and_copies() {
  Dataset data;
  std::vector<float> values;
  for (uint64_t i = 0; i < 60; ++i) {
    for (const double degrees : {0.0, 25.0}) {
      const auto image = Picture(i).draw(degrees, 1, 0, 0, 1);
      values.insert(values.end(), image.begin(), image.end());
      data.labels.push_back(static_cast<int32_t>(i % 2));
    }
  }
  data.classes = {"a", "b"};
  data.pixels = Pixels({120, 28, 28, 1}, std::move(values), 1);
  return data;
}

Split even_rows_train() {
  Split split{"by hand", {Fold{}}};
  for (int64_t row = 0; row < 120; ++row) {
    // The last ten pictures stand whole in the test part.
    (row % 2 == 0 && row < 100 ? split.folds[0].train : split.folds[0].test).push_back(row);
  }
  return split;
}

TEST(Leaks, CountsTestImagesWithACopyInTrainingOfTheirFold) {
  ThreadTeam team(1);
  const LeakReport report = find_leaks(pictures_and_copies(), even_rows_train(), team);
  EXPECT_EQ(report.train, 50);
  EXPECT_EQ(report.test, 70);
  EXPECT_GE(report.test_with_twin, 45);
  EXPECT_LE(report.test_with_twin, 50);
  for (const Twins& twins : report.pairs) EXPECT_EQ(twins.train, twins.test - 1);
}

TEST(Leaks, AreTheSameForAnyNumberOfThreads) {
  const Dataset data = pictures_and_copies();
  const Split split = make_split(data, "kfold:3", 1);
  ThreadTeam one(1), four(4);
  EXPECT_EQ(find_leaks(data, split, one), find_leaks(data, split, four));
}

TEST(Leaks, AreReadBackFromTheCacheAndFoundAgainWhenItIsDamaged) {
  const ScratchFolder folder;
  const std::filesystem::path cache = folder.path() / "deep" / "cache";
  const Dataset data = pictures_and_copies();
  const Split split = even_rows_train();
  ThreadTeam team(1);
  const LeakReport report = find_leaks(data, split, team, cache);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(cache)) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(find_leaks(data, split, team, cache), report);

  // What the file says is believed, so it is read; a damaged one is not.
  std::ofstream(files[0]) << R"({"train": 1, "test": 2, "test_with_twin": 0, "pairs": []})";
  EXPECT_EQ(find_leaks(data, split, team, cache).train, 1);
  std::ofstream(files[0]) << "{";
  EXPECT_EQ(find_leaks(data, split, team, cache), report);

  const Split other = make_split(data, "0.5", 1);
  EXPECT_EQ(find_leaks(data, other, team, cache), find_leaks(data, other, team));
}

TEST(Leaks, TheCacheKnowsOtherImagesAndOtherTestParts) {
  const ScratchFolder folder;
  const Dataset data = pictures_and_copies();
  const Split split = even_rows_train();
  ThreadTeam team(1);
  const LeakReport report = find_leaks(data, split, team, folder.path());
  Split fewer = split;
  fewer.folds[0].test.resize(10);
  EXPECT_EQ(find_leaks(data, fewer, team, folder.path()).test, 10);
  Dataset other = data;
  other.pixels = Pixels({120, 28, 28, 1}, std::vector<float>(120 * 784, 0.5F), 1);
  EXPECT_EQ(find_leaks(other, split, team, folder.path()).test_with_twin, 0);
  EXPECT_EQ(find_leaks(data, split, team, folder.path()), report);
}

TEST(Leaks, PairsKeepTheirRowsBeyondAThousandTestImages) {
  Dataset data;
  std::vector<float> values;
  Split split{"by hand", {Fold{}}};
  for (uint64_t i = 0; i < 1103; ++i) {
    const auto image = Picture(i == 1102 ? 1 : i).draw(0, 1, 0, 0, 1);
    values.insert(values.end(), image.begin(), image.end());
    (i < 3 ? split.folds[0].train : split.folds[0].test).push_back(static_cast<Row>(i));
  }
  data.labels.assign(1103, 0);
  data.pixels = Pixels({1103, 28, 28, 1}, std::move(values), 1);
  ThreadTeam team(1);
  std::vector<int64_t> told;
  const LeakReport report = find_leaks(data, split, team, {}, Progress([&](int64_t done, int64_t of) {
                                         EXPECT_EQ(of, 1100);
                                         told.push_back(done);
                                       }));
  EXPECT_EQ(told, (std::vector<int64_t>{0, 1024}));
  EXPECT_EQ(report.test, 1100);
  ASSERT_EQ(report.pairs.size(), 1U);
  EXPECT_EQ(report.pairs[0].test, 1102);
  EXPECT_EQ(report.pairs[0].train, 1);
}

// Turned, enlarged and moved so far, little of one picture lies on the other.
TEST(Leaks, TooLittleInCommonIsNoAlignment) {
  const Fingerprint fingerprint = make_fingerprint(Picture(1).draw(0, 1, 0, 0, 1));
  EXPECT_GT(align(Magnified(fingerprint.detail), fingerprint.detail, {}).similarity, 0.99F);
  EXPECT_EQ(align(Magnified(fingerprint.detail), fingerprint.detail, {1.34, 0, 5.9, 5.9}).similarity,
            Alignment{}.similarity);
}

TEST(Leaks, AnUnusableCacheFolderLosesNothing) {
  const ScratchFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  const Dataset data = pictures_and_copies();
  ThreadTeam team(1);
  EXPECT_EQ(find_leaks(data, even_rows_train(), team, folder.path() / "file" / "cache").train, 50);
}

TEST(Leaks, FindNineTenthsOfRotatedPhotographsAcrossARandomSplit) {
  const std::string path = photographs("sign-digits/dataset_labels.npz");
  MUDRA_NEEDS(path);
  const Dataset data = read_dataset(path);
  ThreadTeam team(available_processors());
  const LeakReport report = find_leaks(data, make_split(data, "0.8", 1), team);
  EXPECT_GE(report.test_with_twin, 900);
}

TEST(Leaks, FlagAtMostAFiftiethOfHandsAndSignersLeftOut) {
  ThreadTeam team(available_processors());
  for (const auto& [name, groups] : {std::pair{"sign-digits/dataset_labels.npz", "sign-digits/groups.npz"},
                                     std::pair{"ankara", "ankara/groups.csv"}}) {
    const std::string path = photographs(name);
    MUDRA_NEEDS(path);
    ReadOptions options;
    options.groups = photographs(groups);
    const Dataset data = read_dataset(path, options);
    const LeakReport report = find_leaks(data, make_split(data, "leave-one-group-out", 1), team);
    EXPECT_LE(report.test_with_twin * 50, report.test) << name;
  }
}

}  // namespace
}  // namespace mudra
