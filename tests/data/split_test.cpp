#include "mudra/data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "mudra/core/error.h"
#include "tests/reference.h"

namespace mudra {
namespace {

// 120 one-pixel images of 3 classes and 6 groups; a class takes every third row, a group twenty in a row.
Dataset example() {
  Dataset data;
  data.pixels = Pixels({120, 1, 1, 1}, std::vector<uint8_t>(120));
  data.classes = {"0", "1", "2"};
  data.group_names = {"a", "b", "c", "d", "e", "f"};
  for (int32_t i = 0; i < 120; ++i) {
    data.labels.push_back(i % 3);
    data.groups.push_back(i / 20);
  }
  return data;
}

void expect_partition(const Fold& fold, size_t train) {
  EXPECT_EQ(fold.train.size(), train);
  std::set<int64_t> rows(fold.train.begin(), fold.train.end());
  rows.insert(fold.test.begin(), fold.test.end());
  EXPECT_EQ(rows.size(), 120U);
  EXPECT_EQ(fold.train.size() + fold.test.size(), 120U);
}

TEST(Split, ByFractionTakesThatManyToTrain) {
  const Split split = make_split(example(), "0.8", 1);
  ASSERT_EQ(split.folds.size(), 1U);
  expect_partition(split.folds[0], 96);
  EXPECT_EQ(make_split(example(), "0.8", 1).folds[0].test, split.folds[0].test);
  EXPECT_NE(make_split(example(), "0.8", 2).folds[0].test, split.folds[0].test);
}

TEST(Split, StratifiedKeepsTheShareWithinEveryClass) {
  const Fold fold = make_split(example(), "stratified:0.75", 3).folds[0];
  expect_partition(fold, 90);
  for (int64_t c = 0; c < 3; ++c) {
    EXPECT_EQ(std::count_if(fold.train.begin(), fold.train.end(), [&](int64_t row) { return row % 3 == c; }),
              30);
  }
}

TEST(Split, ByGroupKeepsEveryGroupOnOneSide) {
  const Fold fold = make_split(example(), "group:0.5", 4).folds[0];
  expect_partition(fold, 60);
  std::set<int64_t> train, test;
  for (const int64_t row : fold.train) train.insert(row / 20);
  for (const int64_t row : fold.test) test.insert(row / 20);
  EXPECT_EQ(train.size() + test.size(), 6U);
}

TEST(Split, FoldsTestEveryImageOnce) {
  for (const char* how : {"kfold:7", "leave-one-group-out"}) {
    std::vector<int> tested(120, 0);
    for (const Fold& fold : make_split(example(), how, 5).folds) {
      EXPECT_EQ(fold.train.size() + fold.test.size(), 120U);
      for (const int64_t row : fold.test) ++tested[static_cast<size_t>(row)];
    }
    EXPECT_EQ(tested, std::vector<int>(120, 1)) << how;
  }
}

TEST(Split, LeaveOneGroupOutNamesTheGroup) {
  const Split split = make_split(example(), "leave-one-group-out", 1);
  ASSERT_EQ(split.folds.size(), 6U);
  EXPECT_EQ(split.folds[2].name, "c");
  for (const int64_t row : split.folds[2].test) EXPECT_EQ(row / 20, 2);
}

TEST(Split, ReadsBackWhatItWrote) {
  const ScratchFolder folder;
  const std::string path = (folder.path() / "split.json").string();
  const Split split = make_split(example(), "kfold:3", 6);
  std::ofstream(path) << split_text(split, 120);
  const Split again = make_split(example(), path, 99);
  ASSERT_EQ(again.folds.size(), 3U);
  EXPECT_EQ(again.folds[1].train, split.folds[1].train);
  EXPECT_EQ(again.folds[1].test, split.folds[1].test);
  EXPECT_EQ(again.description, split.description);
}

TEST(Split, RefusesWhatCannotBeSplit) {
  Dataset data = example();
  for (const char* how :
       {"0", "1", "1.5", "-0.2", "nan", "kfold:1", "kfold:121", "kfold", "group:2", "grup", "/none"}) {
    EXPECT_THROW(make_split(data, how, 1), Error) << how;
  }
  data.groups.clear();
  EXPECT_THROW(make_split(data, "group", 1), Error);
  EXPECT_THROW(make_split(data, "leave-one-group-out", 1), Error);
}

TEST(Split, RefusesToLeaveAClassOut) {
  Dataset data = example();
  data.classes.push_back("rare");
  data.labels[17] = 3;
  EXPECT_THROW(make_split(data, "0.8", 1), Error);
  EXPECT_THROW(make_split(data, "leave-one-group-out", 1), Error);
}

}  // namespace
}  // namespace mudra
