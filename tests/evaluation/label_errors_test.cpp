// Expected values: tests/reference/label_errors.py (the published definitions in NumPy).
#include "mudra/evaluation/label_errors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"

namespace mudra {
namespace {

// Images without pixels: `labels` first, which one fold tests, then `trained` of each class, on which it
// trained.
struct Judged {
  Dataset data;
  std::vector<Fold> folds;
  Answers answers;

  Judged(std::vector<int32_t> labels, int32_t classes, std::vector<float> probabilities, int trained = 5) {
    const size_t tested = labels.size();
    for (int32_t c = 0; c < classes; ++c) {
      data.classes.push_back(std::to_string(c));
      labels.insert(labels.end(), static_cast<size_t>(trained), c);
    }
    data.labels = std::move(labels);
    const auto images = static_cast<int64_t>(data.labels.size());
    data.pixels = Pixels({images, 1, 1, 1}, std::vector<uint8_t>(data.labels.size()));
    folds.emplace_back();
    for (Row row = 0; row < data.labels.size(); ++row)
      (row < tested ? folds[0].test : folds[0].train).push_back(row);
    answers = {classes, std::vector<int32_t>(tested, 0), std::move(probabilities)};
  }
  LabelErrors errors() const { return find_label_errors(data, folds, answers); }
  std::set<Row> suspects() const {
    std::set<Row> rows;
    for (const LabelSuspect& suspect : errors().suspects) rows.insert(suspect.row);
    return rows;
  }
};

TEST(LabelErrors, AreThoseOfConfidentLearning) {
  const auto reference =
      nlohmann::json::parse(std::ifstream(MUDRA_SOURCE_DIR "/tests/reference/label_errors.json"));
  ASSERT_GT(reference["cases"].size(), 25U);
  size_t suspects = 0;
  for (const auto& expected : reference["cases"]) {
    SCOPED_TRACE(expected["name"].get<std::string>());
    Judged made(expected["labels"], expected["classes"], expected["probabilities"]);
    if (expected.contains("photographs")) {
      made.data.photographs = expected["photographs"].get<std::vector<int32_t>>();
      made.data.photographs.resize(made.data.labels.size(), 1'000'000);
    }
    const LabelErrors found = made.errors();
    const auto classes = expected["classes"].get<size_t>();
    for (size_t c = 0; c < classes; ++c) {
      EXPECT_NEAR(found.thresholds[c], expected["thresholds"][c].get<double>(), 1e-12);
      for (size_t d = 0; d < classes; ++d)
        EXPECT_EQ(found.joint[c * classes + d], expected["joint"][c][d].get<int64_t>());
    }
    EXPECT_NEAR(found.estimated, expected["estimated"].get<double>(), 1e-9);
    ASSERT_EQ(found.suspects.size(), expected["suspects"].size());
    for (size_t i = 0; i < found.suspects.size(); ++i) {
      const LabelSuspect& suspect = found.suspects[i];
      const auto& [suggestion, confidence] =
          expected["suspects"].at(std::to_string(suspect.row)).get<std::pair<int32_t, double>>();
      EXPECT_EQ(suspect.suggestion, suggestion);
      EXPECT_NEAR(suspect.confidence, confidence, 1e-12);
      if (i > 0) {
        EXPECT_GE(found.suspects[i - 1].confidence, suspect.confidence);
      }
    }
    suspects += found.suspects.size();
  }
  EXPECT_GT(suspects, 80U);
}

// 4% of 4,000 labels are wrong and networks are mostly right. A suspect must look surer than the mean of its
// class, so some are missed; what is named is wrong, and the estimate counts all.
TEST(LabelErrors, OfKnownNoiseAreFound) {
  Rng rng(3, Purpose::test);
  constexpr int32_t classes = 10;
  std::vector<int32_t> labels;
  std::vector<float> probabilities;
  std::set<Row> wrong;
  for (Row row = 0; row < 4000; ++row) {
    const auto truth = static_cast<int32_t>(row % classes);
    const bool is_wrong = rng.chance(0.04);
    if (is_wrong) wrong.insert(row);
    labels.push_back(is_wrong ? (truth + 1 + static_cast<int32_t>(rng.below(classes - 1))) % classes : truth);
    std::vector<double> e;
    double sum = 0;
    for (int32_t c = 0; c < classes; ++c)
      sum += e.emplace_back(std::exp(1.5 * rng.normal() + (c == truth ? 6 : 0)));
    for (const double each : e) probabilities.push_back(static_cast<float>(each / sum));
  }
  const Judged made(labels, classes, probabilities);
  const LabelErrors found = made.errors();
  size_t right = 0;
  for (const LabelSuspect& suspect : found.suspects) right += wrong.contains(suspect.row);
  const auto all = static_cast<double>(wrong.size());
  EXPECT_GT(static_cast<double>(right) / all, 0.6);
  EXPECT_GT(static_cast<double>(right) / static_cast<double>(found.suspects.size()), 0.95);
  EXPECT_NEAR(found.estimated / all, 1, 0.15);
}

// Images of class 2, which the fold that tests them has never seen, and whose probability says nothing.
TEST(LabelErrors, AreNotSeenByAFoldThatLacksTheClass) {
  std::vector<int32_t> labels;
  std::vector<float> probabilities;
  for (int i = 0; i < 30; ++i) {
    labels.push_back(i % 3);
    for (int c = 0; c < 3; ++c) probabilities.push_back(c == i % 3 % 2 ? 0.98F : 0.01F);
  }
  Judged made(labels, 3, probabilities);
  EXPECT_EQ(made.suspects().size(), 10U);  // a fold that knew class 2 would speak against all of them
  std::erase_if(made.folds[0].train, [&](Row row) { return made.data.labels[row] == 2; });
  const LabelErrors found = made.errors();
  EXPECT_TRUE(found.suspects.empty());
  EXPECT_EQ(found.judged, 20);
  EXPECT_TRUE(std::isnan(found.thresholds[2]));
  ASSERT_EQ(found.warnings.size(), 1U);
  EXPECT_NE(found.warnings[0].find("Class 2 "), std::string::npos) << found.warnings[0];
  // Another fold knows it: its images alone make the threshold.
  made.folds.push_back({{}, {}, "second"});
  for (Row row = 30; row < 45; ++row) made.folds[1].train.push_back(row);
  const Row moved = made.folds[0].test.back();
  made.folds[0].test.pop_back();
  made.folds[1].test = {moved};
  ASSERT_EQ(labels[moved], 2);
  EXPECT_NEAR(made.errors().thresholds[2], 0.01, 1e-6);
}

TEST(LabelErrors, OfAClassOfFewImagesAreNotGuessed) {
  std::vector<int32_t> labels(20, 0);
  std::vector<float> probabilities;
  for (int i = 0; i < 20; ++i) {
    if (i % 2 == 1) labels[static_cast<size_t>(i)] = 1;
    for (int c = 0; c < 3; ++c) probabilities.push_back(c == i % 2 ? 0.9F : 0.05F);
  }
  for (const int more : {3, 4, 5}) {  // of class 2, beside the last image
    SCOPED_TRACE(more);
    Judged made(labels, 3, probabilities, 0);
    made.data.labels.back() = 2;  // answered as class 1
    for (int i = 0; i < 5 + 5 + more - 1; ++i) {
      made.folds[0].train.push_back(static_cast<Row>(made.data.labels.size()));
      made.data.labels.push_back(i < 5 ? 0 : i < 10 ? 1 : 2);
    }
    made.data.pixels = Pixels({static_cast<int64_t>(made.data.labels.size()), 1, 1, 1},
                              std::vector<uint8_t>(made.data.labels.size()));
    const LabelErrors found = made.errors();
    EXPECT_EQ(found.suspects.size(), more < 5 ? 0U : 1U);
    EXPECT_EQ(found.warnings.size(), more < 5 ? 1U : 0U);
  }
}

TEST(LabelErrors, AreNotLookedForWithNetworksThatLearnedThem) {
  Judged made({0, 1, 0, 1}, 2, {0.9F, 0.1F, 0.1F, 0.9F, 0.9F, 0.1F, 0.1F, 0.9F});
  EXPECT_NO_THROW(made.errors());
  for (auto* part : {&made.folds[0].train, &made.folds[0].validation}) {
    part->push_back(2);
    EXPECT_THROW(made.errors(), Error);
    part->pop_back();
  }
}

// One copy of a photograph that is answered as labelled is outvoted by the others.
TEST(LabelErrors, OfOnePhotographStandTogether) {
  std::vector<int32_t> labels;
  std::vector<float> probabilities;
  std::vector<int32_t> photographs;
  for (int i = 0; i < 60; ++i) {
    const int photograph = i % 20, truth = photograph % 2;
    photographs.push_back(photograph);
    labels.push_back(photograph == 4 || photograph == 6 ? 1 - truth : truth);
    const bool fooled = i == 4;  // agrees with its wrong label
    const float right = fooled ? 0.3F : photograph < 10 ? 0.95F : 0.6F;
    for (int c = 0; c < 2; ++c) probabilities.push_back(c == truth ? right : 1 - right);
  }
  Judged made(labels, 2, probabilities);
  EXPECT_EQ(made.suspects(), (std::set<Row>{24, 44, 6, 26, 46}));
  made.data.photographs = photographs;
  for (int i = 0; i < 10; ++i) made.data.photographs.push_back(100 + i);
  std::vector<Row> order;
  for (const LabelSuspect& suspect : made.errors().suspects) order.push_back(suspect.row);
  EXPECT_EQ(order, (std::vector<Row>{6, 26, 46, 4, 24, 44}));
}

}  // namespace
}  // namespace mudra
