// The share of the differences that a dimension explains, worked out by hand from the definition of omega
// squared.
#include "mudra/tuning/importance.h"

#include <gtest/gtest.h>

namespace mudra {
namespace {

const SearchSpace& told_space() {
  static const SearchSpace all = SearchSpace::parse(R"(
    [batch-size]
    low = 1
    high = 100
    [optimizer]
    choices = ["sgd", "adam"]
    [momentum]
    low = 0.1
    high = 0.9
    when.optimizer = ["sgd"]
  )",
                                                    "space.toml");
  return all;
}

Trial scored_trial(int number, double optimizer, double batch, double score) {
  Trial made;
  made.number = number;
  made.draw = {{"optimizer", optimizer}, {"batch-size", batch}};
  if (optimizer == 0) made.draw["momentum"] = 0.5;
  made.rungs = {{1, score, 0, 0, 0}, {3, 0.5, 0, 0, 0}};  // the second rung does not count
  return made;
}

TEST(Importance, IsOmegaSquared) {
  // sgd scored 1, 2, 3, 4 and adam 3, 4, 5, 6: between 8, within 10, so (8 - 10/6) / (18 + 10/6).
  std::vector<Trial> trials;
  for (int i = 0; i < 4; ++i) trials.push_back(scored_trial(i + 1, 0, 50, 1 + i));
  for (int i = 0; i < 4; ++i) trials.push_back(scored_trial(i + 5, 1, 50, 3 + i));
  const std::vector<Importance> found = importances(told_space(), trials);
  ASSERT_EQ(found.size(), 2U);  // momentum was drawn four times only
  EXPECT_EQ(found[0].name, "optimizer");
  EXPECT_EQ(found[0].trials, 8);
  EXPECT_NEAR(found[0].share, 19.0 / 59, 1e-12);
}

TEST(Importance, OfNumbersComparesQuarters) {
  // Quarters by batch size: (0, 0), (0, 0), (0, 0), (9, 11). Between 150, within 2, so (150 - 3 / 2) / (152 +
  // 1 / 2).
  std::vector<Trial> trials;
  const double scores[] = {0, 0, 0, 0, 0, 0, 9, 11};
  for (const int i : {7, 2, 5, 0, 6, 3, 1, 4})
    trials.push_back(scored_trial(i + 1, 1, 1 + 10 * i, scores[i]));
  const std::vector<Importance> found = importances(told_space(), trials);
  ASSERT_EQ(found.front().name, "batch-size");
  EXPECT_NEAR(found.front().share, 297.0 / 305, 1e-12);
}

TEST(Importance, IsNothingWhereChanceExplainsAsMuch) {
  std::vector<Trial> trials;
  for (int i = 0; i < 16; ++i) trials.push_back(scored_trial(i + 1, i % 2, 50, i % 4 < 2 ? 1 : 2));
  for (const Importance& each : importances(told_space(), trials)) EXPECT_EQ(each.share, 0) << each.name;
}

TEST(Importance, OfEqualScoresIsNothing) {
  std::vector<Trial> trials;
  for (int i = 0; i < 9; ++i) trials.push_back(scored_trial(i + 1, i % 2, i + 1, 0.5));
  for (const Importance& each : importances(told_space(), trials)) EXPECT_EQ(each.share, 0) << each.name;
}

TEST(Importance, OfTooFewTrialsIsNotTold) {
  std::vector<Trial> trials;
  for (int i = 0; i < 7; ++i) trials.push_back(scored_trial(i + 1, i % 2, i + 1, i));
  EXPECT_TRUE(importances(told_space(), trials).empty());
}

}  // namespace
}  // namespace mudra
