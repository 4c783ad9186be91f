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
  std::set<std::vector<Row>> held_out;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    std::vector<Row> rows = make_split(example(), "group:0.5", seed).folds[0].test;
    std::ranges::sort(rows);
    held_out.insert(rows);
  }
  EXPECT_GT(held_out.size(), 3U) << "another seed holds out other groups";
}

TEST(Split, FoldsTestEveryImageOnce) {
  for (const char* how : {"kfold:7", "stratified-kfold:7", "group-kfold:4", "leave-one-group-out"}) {
    std::vector<int> tested(120, 0);
    for (const Fold& fold : make_split(example(), how, 5).folds) {
      EXPECT_EQ(fold.train.size() + fold.test.size(), 120U);
      for (const int64_t row : fold.test) ++tested[static_cast<size_t>(row)];
    }
    EXPECT_EQ(tested, std::vector<int>(120, 1)) << how;
  }
}

TEST(Split, FoldsWithinEachClassShareItOutEvenly) {
  const Dataset data = example();
  std::vector<int64_t> of_class(data.classes.size(), 0);
  for (const int32_t label : data.labels) ++of_class[static_cast<size_t>(label)];
  for (const Fold& fold : make_split(data, "stratified-kfold:7", 5).folds) {
    std::vector<int64_t> tested(data.classes.size(), 0);
    for (const Row row : fold.test) ++tested[static_cast<size_t>(data.labels[row])];
    for (size_t c = 0; c < tested.size(); ++c) {
      EXPECT_GE(tested[c], of_class[c] / 7);
      EXPECT_LE(tested[c], of_class[c] / 7 + 1);
    }
  }
}

TEST(Split, MayLackClassesOnlyWhereThatIsAskedFor) {
  Dataset data = example();
  data.classes.emplace_back("alone");
  data.labels[17] = static_cast<int32_t>(data.classes.size()) - 1;
  EXPECT_THROW(make_split(data, "stratified-kfold:3", 1), Error);
  EXPECT_EQ(make_split(data, "stratified-kfold:3", 1, true).folds.size(), 3U);
}

TEST(Split, FoldsByGroupAreOfAboutTheSameSize) {
  Dataset data = example();  // groups of 70, 10, 10, 10, 10 and 10
  for (size_t row = 0; row < 120; ++row)
    data.groups[row] = row < 70 ? 0 : static_cast<int32_t>((row - 60) / 10);
  std::set<std::vector<int32_t>> seen;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Split split = make_split(data, "group-kfold:3", seed);
    std::vector<size_t> sizes;
    for (const Fold& fold : split.folds) {
      sizes.push_back(fold.test.size());
      std::set<int32_t> tested;
      for (const Row row : fold.test) tested.insert(data.groups[row]);
      for (const Row row : fold.train) EXPECT_FALSE(tested.contains(data.groups[row]));
      if (&fold == &split.folds[1]) seen.emplace(tested.begin(), tested.end());
    }
    EXPECT_EQ(sizes, (std::vector<size_t>{70, 30, 20}));
  }
  EXPECT_GT(seen.size(), 2U) << "another seed makes other parts";
}

// Recordings show one sign each: wherever they go, every sign has to train.
TEST(Split, FoldsByGroupOfOneClassEachLeaveNoClassOut) {
  Dataset data = example();
  for (size_t row = 0; row < 120; ++row) data.labels[row] = data.groups[row] / 2;  // two groups of each class
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (const char* how : {"group-kfold:2", "group-kfold:3", "group-kfold:5"}) {
      for (const Fold& fold : make_split(data, how, seed).folds) {
        std::set<int32_t> trained;
        for (const Row row : fold.train) trained.insert(data.labels[row]);
        EXPECT_EQ(trained.size(), 3U) << how << ", seed " << seed;
      }
    }
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

std::string split_error(const Dataset& data, const std::string& how) {
  try {
    make_split(data, how, 1);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Split, RefusesAFileThatDoesNotFit) {
  const ScratchFolder folder;
  const std::string path = (folder.path() / "split.json").string();
  const auto refusal = [&](const std::string& text) {
    std::ofstream(path) << text;
    return split_error(example(), path);
  };
  const auto with = [](const std::string& train, const std::string& test) {
    return R"({"description":"d","images":120,"folds":[{"name":"","train":)" + train + R"(,"test":)" + test +
           "}]}";
  };
  EXPECT_NE(refusal(with("[0,1,2]", "[3,4,2]")).find("names row 2 twice"), std::string::npos);
  EXPECT_NE(refusal(with("[0,1,1]", "[3,4,5]")).find("names row 1 twice"), std::string::npos);
  for (const char* row : {"120", "-1", "4294967296"}) {
    EXPECT_NE(refusal(with("[0,1,2]", std::string("[") + row + "]"))
                  .find(std::string("names row ") + row + ", but"),
              std::string::npos);
  }
  EXPECT_NE(refusal(R"({"description":"d","images":119,"folds":[]})").find("119 images, not 120"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"description":"d","images":120,"folds":[]})").find("holds no fold"),
            std::string::npos);
  for (const std::string& text :
       {std::string("{"), std::string("[]"), with("[\"a\"]", "[]"), with("7", "[1]")}) {
    EXPECT_NE(refusal(text).find("is no split file"), std::string::npos) << text;
  }
}

TEST(Split, RefusesWhatCannotBeSplit) {
  Dataset data = example();
  for (const char* how :
       {"0", "1", "1.5", "-0.2", "nan", "kfold:1", "kfold:121", "kfold", "group:2", "grup", "/none"}) {
    const bool parts = std::string(how) == "kfold:1" || std::string(how) == "kfold:121";
    EXPECT_NE(split_error(data, how).find(std::string("'") + how + "' is not possible"), std::string::npos)
        << split_error(data, how);
    EXPECT_EQ(split_error(data, how).find("from 2 to the 120 images") != std::string::npos, parts) << how;
  }
  for (const char* how : {"group-kfold:1", "group-kfold:7"})
    EXPECT_NE(split_error(data, how).find("from 2 to the 6 groups"), std::string::npos) << how;
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

// Every row of the outer training part stands in exactly one of the two inner parts; the test part stays.
void expect_cut(const Fold& before, const Fold& after, size_t validation) {
  EXPECT_EQ(after.validation.size(), validation);
  EXPECT_EQ(after.test, before.test);
  std::set<int64_t> rows(after.train.begin(), after.train.end());
  rows.insert(after.validation.begin(), after.validation.end());
  EXPECT_EQ(rows, std::set<int64_t>(before.train.begin(), before.train.end()));
  EXPECT_EQ(after.train.size() + after.validation.size(), before.train.size());
  std::vector<Row> order = before.train;  // what stays keeps its order
  std::erase_if(order,
                [&](int64_t row) { return !std::set(after.train.begin(), after.train.end()).contains(row); });
  EXPECT_EQ(after.train, order);
}

TEST(Validation, IsCutByTheRuleOfTheSplit) {
  const Dataset data = example();
  for (const std::string how :
       {"0.8", "stratified:0.8", "group", "kfold:4", "group-kfold:3", "leave-one-group-out"}) {
    SCOPED_TRACE(how);
    const Split before = make_split(data, how, 3);
    Split after = before;
    cut_validation(data, how, 0.25, 3, after);
    const bool by_group = how.starts_with("group") || how == "leave-one-group-out";
    for (size_t f = 0; f < after.folds.size(); ++f) {
      const size_t groups = before.folds[f].train.size() / 20;
      const size_t rows = before.folds[f].train.size();
      expect_cut(before.folds[f], after.folds[f],
                 by_group                  ? 20 * (groups - groups * 3 / 4)
                 : how == "stratified:0.8" ? 24
                                           : rows - rows * 3 / 4);
      std::set<int32_t> chosen, trained;
      for (const int64_t row : after.folds[f].validation)
        chosen.insert(data.groups[static_cast<size_t>(row)]);
      for (const int64_t row : after.folds[f].train) trained.insert(data.groups[static_cast<size_t>(row)]);
      for (const int32_t group : chosen) EXPECT_FALSE(by_group && trained.contains(group)) << group;
    }
    Split again = before;
    cut_validation(data, how, 0.25, 3, again);
    EXPECT_EQ(again.folds[0].validation, after.folds[0].validation);
    cut_validation(data, how, 0.25, 4, again);
    EXPECT_EQ(again.folds[0].validation, after.folds[0].validation) << "a part that is there stays";
  }
}

TEST(Validation, OfAStratifiedSplitIsStratifiedToo) {
  const Dataset data = example();
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Split split = make_split(data, "stratified:0.8", seed);
    cut_validation(data, "stratified:0.8", 0.25, seed, split);
    for (int32_t c = 0; c < 3; ++c) {
      const auto is_c = [&](Row row) { return data.labels[row] == c; };
      EXPECT_EQ(std::ranges::count_if(split.folds[0].validation, is_c), 8) << seed;
    }
  }
}

TEST(Validation, OfAFileKeepsGroupsWholeIfItsFoldsDo) {
  const ScratchFolder folder;
  const Dataset data = example();
  for (const std::string how : {"group", "0.8"}) {
    Split made = make_split(data, how, 1);
    const std::string path = folder.path() / "split.json";
    std::ofstream(path) << split_text(made, data.size());
    Split split = make_split(data, path, 1);
    cut_validation(data, path, 0.3, 1, split);
    std::set<int32_t> chosen, trained;
    for (const int64_t row : split.folds[0].validation) chosen.insert(data.groups[static_cast<size_t>(row)]);
    for (const int64_t row : split.folds[0].train) trained.insert(data.groups[static_cast<size_t>(row)]);
    bool whole = true;
    for (const int32_t group : chosen) whole = whole && !trained.contains(group);
    EXPECT_EQ(whole, how == "group");
    std::ofstream(path) << split_text(split, data.size());  // a file may hold the part itself
    Split again = make_split(data, path, 9);
    EXPECT_EQ(again.folds[0].validation, split.folds[0].validation);
    cut_validation(data, path, 0.7, 9, again);
    EXPECT_EQ(again.folds[0].validation, split.folds[0].validation);
  }
}

TEST(Validation, NeedsAnotherGroupAndEveryClass) {
  Dataset data = example();
  data.groups.assign(120, 0);
  for (size_t i = 60; i < 120; ++i) data.groups[i] = 1;
  Split split = make_split(data, "leave-one-group-out", 1);
  EXPECT_THROW(cut_validation(data, "leave-one-group-out", 0.2, 1, split), Error);
  data.labels.assign(120, 0);
  data.labels[0] = 1;
  data.labels[1] = 2;
  Split random;
  random.folds = {{{0, 1, 2, 3, 4, 5}, {6, 7}, ""}};
  EXPECT_THROW(cut_validation(data, "0.8", 0.9, 1, random), Error);
}

TEST(Split, OfSomeRowsStaysWithinThem) {
  const Dataset data = example();
  const Fold outer = make_split(data, "group", 2).folds[0];
  for (const char* how :
       {"kfold:3", "group-kfold:2", "leave-one-group-out", "group", "0.7", "stratified:0.5"}) {
    const Split inner = split_rows(data, outer.train, how, 2);
    std::multiset<int64_t> tested;
    for (const Fold& fold : inner.folds) {
      EXPECT_EQ(fold.train.size() + fold.test.size(), outer.train.size());
      for (const auto* part : {&fold.train, &fold.test}) {
        for (const int64_t row : *part) EXPECT_EQ(std::ranges::count(outer.train, row), 1) << how;
      }
      tested.insert(fold.test.begin(), fold.test.end());
    }
    if (inner.folds.size() > 1) {
      EXPECT_EQ(tested, std::multiset<int64_t>(outer.train.begin(), outer.train.end()));
    }
  }
  EXPECT_THROW(split_rows(data, outer.train, "split.json", 2), Error);
}

// Choosing options within a training part: neither level shows a group on two sides.
TEST(Split, NestedByGroupCrossesNoGroupOnEitherLevel) {
  Dataset data = example();
  for (size_t row = 0; row < 120; ++row) data.groups[row] = static_cast<int32_t>(row * 5 / 3 % 6);
  const auto groups_of = [&](const std::vector<Row>& rows) {
    std::set<int32_t> groups;
    for (const Row row : rows) groups.insert(data.groups[row]);
    return groups;
  };
  for (const char* outer : {"leave-one-group-out", "group:0.7"}) {
    for (const Fold& fold : make_split(data, outer, 7).folds) {
      const std::set<int32_t> untouched = groups_of(fold.test);
      for (const char* inner : {"leave-one-group-out", "group:0.6"}) {
        SCOPED_TRACE(std::string(outer) + ", " + inner + " in " + fold.name);
        const Split split = split_rows(data, fold.train, inner, 7);
        EXPECT_EQ(split.folds.size(), inner[0] == 'l' ? groups_of(fold.train).size() : 1);
        for (const Fold& part : split.folds) {
          const std::set<int32_t> train = groups_of(part.train), test = groups_of(part.test);
          EXPECT_FALSE(train.empty() || test.empty());
          for (const int32_t group : train) EXPECT_FALSE(test.contains(group) || untouched.contains(group));
          for (const int32_t group : test) EXPECT_FALSE(untouched.contains(group));
          std::multiset<Row> rows(part.train.begin(), part.train.end());
          rows.insert(part.test.begin(), part.test.end());
          EXPECT_EQ(rows, std::multiset<Row>(fold.train.begin(), fold.train.end()));
        }
        EXPECT_EQ(split_rows(data, fold.train, inner, 7).folds[0].test, split.folds[0].test);
      }
    }
  }
  Split nested = make_split(data, "leave-one-group-out", 7);
  nest_split(data, "group:0.6", 7, nested);
  for (const Fold& fold : nested.folds) {
    const Split expected = split_rows(data, fold.train, "group:0.6", 7);
    ASSERT_EQ(fold.inner.size(), 1);
    EXPECT_EQ(fold.inner[0].test, expected.folds[0].test);
  }
  // A random rule within a part draws numbers of its own.
  const Fold all = make_split(data, "0.5", 7).folds[0];
  std::vector<Row> rows(120);
  for (Row row = 0; row < 120; ++row) rows[row] = row;
  EXPECT_NE(split_rows(data, rows, "0.5", 7).folds[0].test, all.test);
}

TEST(Split, NestedIsReadBackWholeOrOneFoldOfIt) {
  const ScratchFolder folder;
  const Dataset data = example();
  const std::string path = folder.path() / "nested.json";
  Split made = make_split(data, "kfold:3", 4);
  nest_split(data, "kfold:2", 4, made);
  write_split(made, data.size(), path);
  const Split whole = make_split(data, path, 9);
  EXPECT_EQ(split_text(whole, data.size()), split_text(made, data.size()));
  for (const std::string name : {"2", "fold 2"}) {
    const Split inner = make_split(data, path + ":" + name, 9);
    EXPECT_EQ(inner.description, "3 folds, seed 4, within fold 2");
    ASSERT_EQ(inner.folds.size(), 2);
    for (size_t f = 0; f < 2; ++f) {
      EXPECT_EQ(inner.folds[f].train, made.folds[1].inner[f].train);
      EXPECT_EQ(inner.folds[f].test, made.folds[1].inner[f].test);
    }
    std::vector<Row> rows =
        made.folds[1].train;  // the last model may not learn from the outer test part either
    std::ranges::sort(rows);
    EXPECT_EQ(rows_of(data, inner), rows);
  }
  EXPECT_EQ(rows_of(data, whole).size(), 120);
  for (const char* wrong : {":0", ":4", ":fold 4", ":"})
    EXPECT_THROW(make_split(data, path + wrong, 9), Error);

  Split crossing = made;  // an inner fold that trains on what the outer one tests
  crossing.folds[1].inner[0].train.push_back(crossing.folds[1].test[0]);
  write_split(crossing, data.size(), path);
  EXPECT_THROW(make_split(data, path, 9), Error);
}

}  // namespace
}  // namespace mudra
