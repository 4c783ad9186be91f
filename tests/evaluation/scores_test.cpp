// Expected values: tests/reference/evaluation.py (scikit-learn 1.2.1, SciPy, NumPy).
#include "mudra/evaluation/scores.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "mudra/evaluation/evaluation.h"
#include "tests/evaluation/answers.h"

namespace mudra {
namespace {

Answers answers_of(const nlohmann::json& expected) {
  return {expected["classes"], expected["predicted"].get<std::vector<int32_t>>(),
          expected["probabilities"].get<std::vector<float>>()};
}

// `found` has {value, interval}, `expected` is a number or null.
void expect_score(const nlohmann::json& found, const nlohmann::json& expected, const std::string& name) {
  ASSERT_EQ(found["value"].is_null(), expected.is_null()) << name;
  EXPECT_EQ(found["interval"].is_null(), expected.is_null()) << name;
  if (expected.is_null()) return;
  const double value = found["value"], low = found["interval"][0], high = found["interval"][1];
  EXPECT_NEAR(value, expected.get<double>(), 1e-12) << name;
  EXPECT_LT(low, high) << name;
  EXPECT_TRUE(low <= value && value <= high) << name << " " << low << " " << value << " " << high;
  EXPECT_GE(low, name == "cohen_kappa" || name == "matthews" ? -1 : 0) << name;
  EXPECT_LE(high, 1) << name;
}

TEST(Scores, equal_scikit_learn) {
  ASSERT_GT(evaluation_reference()["scores"].size(), 30U);
  for (const auto& expected : evaluation_reference()["scores"]) {
    SCOPED_TRACE(expected["name"].get<std::string>());
    const auto truth = expected["truth"].get<std::vector<int32_t>>();
    const Answers answers = answers_of(expected);
    const auto classes = static_cast<size_t>(answers.classes);
    const Scores found = scores_of(truth, answers, Resampling(truth.size(), classes, {}));
    const nlohmann::json& scores = expected["scores"];
    for (const ScoreName& each : score_names()) {
      ASSERT_TRUE(scores.contains(each.key));
      expect_score(to_json(found)[each.key], scores[each.key], each.key);
    }
    for (size_t c = 0; c < classes; ++c) {
      for (const char* key : {"top_2_accuracy", "roc_auc", "average_precision"}) {
        expect_score(to_json(found.per_class[c])[key], scores["per_class"][c][key],
                     fmt::format("{} of {}", key, c));
      }
    }
  }
}

TEST(Scores, have_the_curves_of_scikit_learn) {
  for (const auto& expected : evaluation_reference()["scores"]) {
    SCOPED_TRACE(expected["name"].get<std::string>());
    const Answers answers = answers_of(expected);
    const auto truth = expected["truth"].get<std::vector<int32_t>>();
    for (size_t c = 0; c < static_cast<size_t>(answers.classes); ++c) {
      const std::vector<CurvePoint> curve = Ranking(truth, answers, c).curve();
      const auto& points = expected["scores"]["per_class"][c]["points"];
      ASSERT_EQ(curve.size(), points.size());
      for (size_t i = 0; i < curve.size(); ++i) {
        const auto right = static_cast<double>(curve[i].right), wrong = static_cast<double>(curve[i].wrong);
        EXPECT_NEAR(right / static_cast<double>(curve.back().right), points[i][0].get<double>(), 1e-12);
        EXPECT_NEAR(wrong / static_cast<double>(curve.back().wrong), points[i][1].get<double>(), 1e-12);
        EXPECT_NEAR(i == 0 ? 1 : right / (right + wrong), points[i][2].get<double>(), 1e-12);
        EXPECT_EQ(i == 0, points[i][3].is_null());
        if (i == 0) continue;
        EXPECT_FLOAT_EQ(static_cast<float>(curve[i].threshold), points[i][3].get<float>());
      }
    }
  }
}

TEST(Scores, have_the_intervals_that_numpy_makes_of_the_same_samples) {
  const auto& expected = evaluation_reference()["resampled"];
  const auto draws = expected["draws"].get<std::vector<std::vector<int32_t>>>();
  const Resampling tests(expected["unit"].get<std::vector<int32_t>>(), expected["units"], draws);
  const Scores scores = scores_of(expected["truth"].get<std::vector<int32_t>>(), answers_of(expected), tests);
  for (const ScoreName& each : score_names()) {
    const Score& found = scores.*each.score;
    EXPECT_NEAR(found.low, expected["intervals"][each.key][0].get<double>(), 1e-9) << each.key;
    EXPECT_NEAR(found.high, expected["intervals"][each.key][1].get<double>(), 1e-9) << each.key;
  }
}

TEST(Scores, count_hands_where_there_are_three_else_photographs_else_images) {
  const std::vector<int32_t> three{0, 0, 1, 1, 2, 2}, two{0, 0, 0, 1, 1, 1}, none;
  const auto unit = [](const std::vector<int32_t>& groups, const std::vector<int32_t>& photographs) {
    const Resampling tests(6, 2, {.groups = groups, .photographs = photographs});
    return tests.unit() + " " + std::to_string(tests.units());
  };
  EXPECT_EQ(unit(three, two), "group 3");
  EXPECT_EQ(unit(two, three), "photograph 3");
  EXPECT_EQ(unit(none, two), "photograph 2");
  EXPECT_EQ(unit(two, none), "image 6");
  EXPECT_EQ(unit(none, none), "image 6");
}

TEST(Scores, of_units_that_are_all_alike_have_a_width) {
  // Six hands that show both classes, all right: as six of six hands.
  std::vector<int32_t> truth(60), hands(60);
  for (size_t i = 0; i < 60; ++i) truth[i] = i % 2, hands[i] = static_cast<int32_t>(i / 10);
  const std::vector<std::string> names{"a", "b"};
  const Scores scores = evaluate(truth, sure_answers(truth, 2), names, {.groups = hands}).scores;
  const Interval wilson = wilson_interval(6, 6);
  for (const ScoreName& each : score_names()) {
    const double lowest = each.score == &Scores::cohen_kappa || each.score == &Scores::matthews ? -1 : 0;
    EXPECT_NEAR((scores.*each.score).low, lowest + (1 - lowest) * wilson.low, 1e-12) << each.key;
    EXPECT_EQ((scores.*each.score).high, 1) << each.key;
  }
  // Each hand right on nine of ten: 5.4 of six hands.
  std::vector<int32_t> predicted = truth;
  for (size_t i = 0; i < 60; i += 10) predicted[i] = 1 - truth[i];
  const Column column{"light", {"dim"}, std::vector<int32_t>(60)};
  const Score alike =
      evaluate(truth, sure_answers(predicted, 2), names, {.groups = hands}, std::span(&column, 1))
          .by[0]
          .values[0]
          .accuracy;
  EXPECT_NEAR(alike.low, wilson_interval(5.4, 6).low, 1e-12);
  EXPECT_NEAR(alike.high, wilson_interval(5.4, 6).high, 1e-12);
  // One image of a class says nothing of it, however many there are of others.
  truth.assign(60, 0);
  truth[7] = 1;
  const Scores rare = evaluate(truth, sure_answers(truth, 2), names).scores;
  EXPECT_EQ(rare.per_class[1].roc_auc.low, 0);
  EXPECT_EQ(rare.per_class[1].top_2_accuracy.low, 0);
  EXPECT_EQ(rare.per_class[1].average_precision.high, 1);
}

TEST(Scores, by_a_column_are_told_worst_first) {
  const std::vector<int32_t> truth{0, 1, 0, 1, 0, 1, 0}, predicted{0, 1, 0, 0, 1, 0, refused};
  const Column light{"light", {"bright", "dim", "dark", "none"}, {0, 0, 0, 1, 1, 1, 2}};
  const nlohmann::json json = to_json(evaluate(truth, sure_answers(predicted, 2),
                                               std::vector<std::string>{"a", "b"}, {}, std::span(&light, 1)));
  const auto& values = json["by"]["light"];
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(values[2]["value"], "bright");
  EXPECT_EQ(values[2]["n"], 3);
  EXPECT_EQ(values[2]["right"], 3);
  EXPECT_EQ(values[2]["accuracy"], 1);
  EXPECT_NEAR(values[2]["interval"][0].get<double>(), wilson_interval(3, 3).low, 1e-12);
  EXPECT_EQ(values[0]["accuracy"], 0);
  EXPECT_EQ(values[1]["accuracy"], 0);
}

TEST(Scores, depend_on_the_seed_alone_and_are_whole_for_very_many_images) {
  constexpr size_t images = 30000;
  std::vector<int32_t> truth(images), predicted(images);
  for (size_t i = 0; i < images; ++i) {
    truth[i] = static_cast<int32_t>(i % 5);
    predicted[i] = i % 7 == 0 ? 0 : truth[i];
  }
  const std::vector<std::string> names{"a", "b", "c", "d", "e"};
  const auto scores = [&](uint64_t seed) {
    return to_json(evaluate(truth, sure_answers(predicted, 5), names, {.seed = seed}).scores);
  };
  EXPECT_EQ(scores(3), scores(3));
  EXPECT_NE(scores(3), scores(4));
  // In so many images dealt into 1,024 heaps the standard error is that of independent images.
  const nlohmann::json found = scores(1)["top_2_accuracy"];
  const double share = found["value"], expected = std::sqrt(share * (1 - share) / images);
  const double half = (found["interval"][1].get<double>() - found["interval"][0].get<double>()) / 2 / 1.96;
  // An estimate from 863 samples of 1,024 heaps has a deviation of 3.3%; allow three.
  EXPECT_NEAR(half / expected, 1, 0.1);
}

TEST(Curve, thinned_stays_within_its_tolerance) {
  std::vector<CurvePoint> curve = {{INFINITY, 0, 0}};
  for (int i = 1; i <= 2000; ++i)
    curve.push_back({1 - i / 2001., i - i * i / 8000, curve.back().wrong + (i % 40 == 0) * i / 30});
  const std::vector<CurvePoint> kept = thinned(curve, 0.01);
  EXPECT_LT(kept.size(), 100U);
  EXPECT_GT(kept.size(), 5U);
  const auto place = [&](const CurvePoint& p, size_t k) {
    const auto right = static_cast<double>(p.right), wrong = static_cast<double>(p.wrong);
    const std::array places = {right / static_cast<double>(curve.back().right),
                               wrong / static_cast<double>(curve.back().wrong),
                               right + wrong > 0 ? right / (right + wrong) : 1};
    return places[k];
  };
  for (const CurvePoint& point : curve) {
    double nearest = 1;
    for (size_t line = 1; line < kept.size(); ++line) {
      for (int step = 0; step <= 200; ++step) {
        double off = 0;
        for (size_t k = 0; k < 3; ++k) {
          const double at =
              place(kept[line - 1], k) + step / 200. * (place(kept[line], k) - place(kept[line - 1], k));
          off = std::max(off, std::fabs(at - place(point, k)));
        }
        nearest = std::min(nearest, off);
      }
    }
    EXPECT_LT(nearest, 0.0125);
  }
}

}  // namespace
}  // namespace mudra
