// Expected values: tests/reference/evaluation.py (scikit-learn 1.2.1, SciPy, NumPy).
#include "mudra/evaluation/evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mudra/core/error.h"
#include "tests/evaluation/answers.h"

namespace mudra {
namespace {

TEST(ClassificationReport, equals_scikit_learn_character_by_character) {
  ASSERT_EQ(evaluation_reference()["versions"]["scikit-learn"], "1.2.1");
  ASSERT_GT(evaluation_reference()["cases"].size(), 250u);
  for (const auto& expected : evaluation_reference()["cases"]) {
    SCOPED_TRACE(expected["name"].get<std::string>());
    const auto truth = expected["truth"].get<std::vector<int32_t>>();
    const auto predicted = expected["predicted"].get<std::vector<int32_t>>();
    const auto names = expected["names"].get<std::vector<std::string>>();
    EXPECT_EQ(evaluate(truth, sure_answers(predicted, names.size()), names).text,
              expected["text"].get<std::string>());
  }
}

TEST(Evaluation, equals_scikit_learn) {
  for (const auto& expected : evaluation_reference()["cases"]) {
    if (!expected.contains("confusion")) continue;
    SCOPED_TRACE(expected["name"].get<std::string>());
    const auto names = expected["names"].get<std::vector<std::string>>();
    const auto predicted = expected["predicted"].get<std::vector<int32_t>>();
    const Evaluation result =
        evaluate(expected["truth"].get<std::vector<int32_t>>(), sure_answers(predicted, names.size()), names);
    const nlohmann::json json = to_json(result);
    EXPECT_EQ(json["confusion"], expected["confusion"]);
    EXPECT_EQ(json["accuracy"].get<double>(), expected["accuracy"].get<double>());
    EXPECT_EQ(json["labels"], expected["names"]);
    ASSERT_EQ(json["per_class"].size(), names.size());
    for (size_t i = 0; i < names.size(); ++i) {
      const auto& scores = json["per_class"][i];
      EXPECT_EQ(scores["label"], expected["names"][i]);
      for (const char* key : {"precision", "recall", "f1"}) {
        EXPECT_DOUBLE_EQ(scores[key].get<double>(), expected[key][i].get<double>()) << key;
      }
      EXPECT_EQ(scores["support"], expected["support"][i]);
    }
  }
}

void expect_interval(const nlohmann::json& found, const nlohmann::json& expected) {
  ASSERT_EQ(found.is_null(), expected.is_null());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(found[i].get<double>(), expected[i].get<double>(), 1e-12);
}

// The last refuses everything.
TEST(Evaluation, counts_refused_images_as_scikit_learn_does) {
  ASSERT_EQ(evaluation_reference()["refusals"].size(), 3U);
  for (const auto& expected : evaluation_reference()["refusals"]) {
    const auto predicted = expected["predicted"].get<std::vector<int32_t>>();
    const Evaluation result = evaluate(expected["truth"].get<std::vector<int32_t>>(),
                                       sure_answers(predicted, 3), std::vector<std::string>{"a", "b", "c"});
    const nlohmann::json json = to_json(result);
    for (size_t c = 0; c < 3; ++c) {
      for (const char* key : {"precision", "recall", "f1", "support"})
        EXPECT_DOUBLE_EQ(json["per_class"][c][key].get<double>(), expected[key][c].get<double>()) << key;
      int64_t answered = 0;
      for (size_t answer = 0; answer < 3; ++answer) answered += result.count(c, answer);
      EXPECT_EQ(answered + result.refused_of(c), expected["support"][c].get<int64_t>());
    }
    for (const char* key : {"confusion", "accuracy"}) EXPECT_EQ(json[key], expected[key]) << key;
    EXPECT_EQ(json["refused_images"], expected["refused"]);
    EXPECT_EQ(json["accuracy_answered"], expected["answered"]["accuracy"]);
    expect_interval(json["refused_interval"], expected["refused_interval"]);
    EXPECT_EQ(json["answered"]["n"], expected["answered"]["n"]);
    EXPECT_EQ(json["answered"]["accuracy"], expected["answered"]["accuracy"]);
    expect_interval(json["answered"]["interval"], expected["answered"]["interval"]);
    const std::vector<std::string> warnings = warnings_of(result);
    const bool says_so = std::ranges::any_of(warnings, [](const std::string& text) {
      return text.starts_with("The model refused every picture.");
    });
    EXPECT_EQ(says_so, result.refused == result.n);
  }
}

TEST(Evaluation, tells_of_refusals_only_where_there_can_be_some) {
  const std::vector<int32_t> truth{0, 1, 0, 1};
  const std::vector<std::string> names{"a", "b"};
  EXPECT_TRUE(to_json(evaluate(truth, sure_answers(truth, 2), names))["refused_interval"].is_null());
  EXPECT_TRUE(to_json(evaluate(truth, sure_answers(truth, 2), names))["answered"].is_null());
  const Evaluation might = evaluate(truth, sure_answers(truth, 2), names, {}, {}, true);
  ASSERT_TRUE(might.refusals);
  EXPECT_EQ(might.refusals->interval.low, 0);
  EXPECT_GT(might.refusals->interval.high, 0.3);  // 0 of four
  EXPECT_EQ(might.refusals->answered, 4);
}

// Seven copies of a photograph are refused together: three of ten photographs, not 21 of 70 images.
TEST(Evaluation, counts_photographs_for_the_interval_of_refusals) {
  std::vector<int32_t> truth(70), predicted(70), photographs(70);
  for (int32_t i = 0; i < 70; ++i) {
    photographs[static_cast<size_t>(i)] = i / 7;
    if (i < 21) predicted[static_cast<size_t>(i)] = refused;
  }
  const Evaluation found = evaluate(truth, sure_answers(predicted, 2), std::vector<std::string>{"a", "b"},
                                    {.photographs = photographs});
  EXPECT_EQ(found.refusals->interval.unit, "photograph");
  EXPECT_EQ(found.refusals->interval.independent, 10);
  EXPECT_EQ(found.refusals->accuracy_interval.independent, 7);
}

TEST(Evaluation, puts_truth_in_rows_and_predictions_in_columns) {
  const std::vector<int32_t> truth{0, 0, 0}, predicted{1, 1, 0};
  const Evaluation result = evaluate(truth, sure_answers(predicted, 2), std::vector<std::string>{"0", "5"});
  EXPECT_EQ(result.count(0, 1), 2);
  EXPECT_EQ(result.count(1, 0), 0);
  EXPECT_DOUBLE_EQ(result.per_class[0].precision, 1);
  EXPECT_DOUBLE_EQ(result.per_class[0].recall, 1. / 3);
}

TEST(Evaluation, refuses_what_does_not_fit) {
  const std::vector<std::string> names{"0", "5"};
  const std::vector<int32_t> none, one{0}, two{0, 1}, outside{2}, negative{-1};
  const auto evaluated = [&](const std::vector<int32_t>& truth, const std::vector<int32_t>& predicted,
                             const IndependentUnits& units = {}) {
    return evaluate(truth, sure_answers(predicted, 2), names, units);
  };
  EXPECT_THROW(evaluated(none, none), Error);
  EXPECT_THROW(evaluated(one, two), Error);
  EXPECT_THROW(evaluated(one, outside), Error);
  EXPECT_THROW(evaluated(negative, one), Error);
  EXPECT_THROW(evaluated(two, two, {.groups = one}), Error);
  EXPECT_THROW(evaluated(two, two, {.photographs = one}), Error);
  EXPECT_THROW(evaluate(two, sure_answers(two, 3), names), Error);
  EXPECT_THROW(evaluate(two, Answers{2, two, {1, 0}}, names), Error);
}

TEST(Interval, by_wilson_equals_scipy) {
  for (const auto& expected : evaluation_reference()["wilson"]) {
    const Interval interval = wilson_interval(expected["k"], expected["n"]);
    EXPECT_NEAR(interval.low, expected["low"].get<double>(), 1e-12) << expected;
    EXPECT_NEAR(interval.high, expected["high"].get<double>(), 1e-12) << expected;
  }
}

TEST(Interval, by_bootstrap_agrees_with_numpy_up_to_resampling_noise) {
  for (const auto& expected : evaluation_reference()["bootstrap"]) {
    const Interval interval = bootstrap_interval(expected["right"].get<std::vector<uint8_t>>(),
                                                 expected["unit"].get<std::vector<int32_t>>(), 1);
    // The standard error of a 2.5% quantile of 10,000 normal draws is 0.027 deviations; allow five.
    const double tolerance = 0.14 * expected["deviation"].get<double>();
    EXPECT_NEAR(interval.low, expected["low"].get<double>(), tolerance);
    EXPECT_NEAR(interval.high, expected["high"].get<double>(), tolerance);
    EXPECT_EQ(interval.independent, expected["groups"].get<int64_t>());
  }
}

TEST(Interval, rests_on_photographs_where_they_are_known) {
  std::vector<uint8_t> right(120, 1);
  std::vector<int32_t> groups(120), photographs(120);
  for (int i = 0; i < 120; ++i) {
    const auto at = static_cast<size_t>(i);
    right[at] = i % 6 != 0;
    groups[at] = i / 6;
    photographs[at] = i / 2;
  }
  const Interval by_image = accuracy_interval(right, {.groups = groups});
  EXPECT_EQ(by_image.method, "wilson");
  EXPECT_EQ(by_image.independent, 120);
  const Interval by_photograph = accuracy_interval(right, {.groups = groups, .photographs = photographs});
  EXPECT_EQ(by_photograph.unit, "photograph");
  EXPECT_EQ(by_photograph.independent, 60);
}

// Hand after hand.
Interval interval_of_hands(const std::vector<int>& right_of, const std::vector<int>& images_of) {
  std::vector<uint8_t> right;
  std::vector<int32_t> hand;
  for (size_t h = 0; h < images_of.size(); ++h) {
    for (int i = 0; i < images_of[h]; ++i) right.push_back(i < right_of[h]);
    hand.insert(hand.end(), static_cast<size_t>(images_of[h]), static_cast<int32_t>(7 * h));
  }
  return new_hand_interval(right, hand);
}

TEST(Interval, of_a_new_hand_spans_what_scipy_and_numpy_say) {
  for (const auto& expected : evaluation_reference()["new_hand"]) {
    SCOPED_TRACE(expected["right"].dump());
    const Interval interval = interval_of_hands(expected["right"], expected["images"]);
    const double low_t = std::max(0.0, expected["t"][0].get<double>()), low_model = expected["model"][0];
    const double high_t = std::min(1.0, expected["t"][1].get<double>()), high_model = expected["model"][1];
    // The model's mean is known on 64 steps only.
    EXPECT_NEAR(interval.low, std::min(low_t, low_model), low_t < low_model ? 1e-9 : 3e-3);
    EXPECT_NEAR(interval.high, std::max(high_t, high_model), high_t > high_model ? 1e-9 : 3e-3);
    EXPECT_LT(interval.low + 0.005, interval.high);
    EXPECT_EQ(interval.independent, static_cast<int64_t>(expected["right"].size()));
  }
}

TEST(Interval, of_a_new_hand_is_that_of_students_t_where_hands_differ_moderately) {
  const Interval interval = interval_of_hands({940, 927, 870, 947, 795}, {1000, 1000, 1000, 1000, 1000});
  EXPECT_NEAR(interval.low, 0.816, 5e-4);
  EXPECT_NEAR(interval.high, 0.975, 5e-4);
}

TEST(Interval, of_two_hands_says_nothing_of_a_new_one) {
  const Interval interval = interval_of_hands({9, 10}, {10, 10});
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 1);
}

TEST(Interval, of_units_that_are_all_alike_has_a_width) {
  // Three photographs of ten images, one image of each right: as one in ten of three.
  std::vector<uint8_t> right(30);
  std::vector<int32_t> photograph(30);
  for (size_t i = 0; i < 30; ++i) right[i] = i % 10 == 0, photograph[i] = static_cast<int32_t>(i / 10);
  const Interval interval = bootstrap_interval(right, photograph, 1), expected = wilson_interval(0.3, 3);
  EXPECT_DOUBLE_EQ(interval.low, expected.low);
  EXPECT_DOUBLE_EQ(interval.high, expected.high);
}

TEST(Evaluation, tells_of_new_hands_when_groups_are_known) {
  const std::vector<int32_t> truth(9, 0), predicted{0, 0, 1, 0, 1, 1, 0, 0, 0},
      groups{0, 0, 0, 0, 1, 1, 2, 2, 2};
  const std::vector<std::string> names{"a", "b"}, hands{"h0", "h1", "h2"};
  const nlohmann::json json =
      to_json(evaluate(truth, sure_answers(predicted, 2), names, {.groups = groups, .group_names = hands}));
  EXPECT_EQ(json["new_group"]["groups"], 3);
  EXPECT_DOUBLE_EQ(json["new_group"]["accuracy"], (0.75 + 0 + 1) / 3);
  EXPECT_TRUE(to_json(evaluate(truth, sure_answers(predicted, 2), names))["new_group"].is_null());
}

TEST(Evaluation, warns_of_what_its_numbers_say_with_what_to_try) {
  const std::vector<int32_t> truth{0, 0, 0, 1, 1, 2}, one(6, 0);
  const std::vector<std::string> names{"a", "b", "c", "d"};
  const std::vector<std::string> warnings = warnings_of(evaluate(truth, sure_answers(one, 4), names));
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_TRUE(warnings[0].starts_with("This is not clearly better than always answering a (50.0%). Train "));
  EXPECT_TRUE(warnings[1].starts_with("Every picture got the same answer: a. Look at "));
  EXPECT_TRUE(warnings[2].starts_with("No picture in this test shows d. Test on "));
  std::vector<int32_t> half(60);
  for (size_t i = 0; i < 60; ++i) half[i] = i % 2;
  EXPECT_TRUE(warnings_of(evaluate(half, sure_answers(half, 2), std::vector<std::string>{"a", "b"})).empty());
}

TEST(Interval, of_equal_groups_that_are_all_right_or_all_wrong_is_binomial) {
  // 20 groups of 4, 14 right: the share of right groups in a resample is Binomial(20, 0.7) / 20, whose
  // 2.5% and 97.5% quantiles are 10 and 18 (scipy.stats.binom.ppf).
  std::vector<uint8_t> right;
  std::vector<int32_t> group;
  for (int i = 0; i < 80; ++i) {
    group.push_back(i / 4);
    right.push_back(i / 4 < 14);
  }
  const Interval interval = bootstrap_interval(right, group, 3);
  EXPECT_DOUBLE_EQ(interval.low, 0.5);
  EXPECT_DOUBLE_EQ(interval.high, 0.9);
}

TEST(Interval, never_claims_certainty) {
  const std::vector<uint8_t> right(30, 1);
  std::vector<int32_t> three_groups(30), one_group(30, 0);
  for (size_t i = 0; i < 30; ++i) three_groups[i] = static_cast<int32_t>(i / 10);
  const Interval three = bootstrap_interval(right, three_groups, 1);
  EXPECT_DOUBLE_EQ(three.low, wilson_interval(3, 3).low);
  EXPECT_EQ(three.high, 1);
  const Interval one = bootstrap_interval(right, one_group, 1);
  EXPECT_EQ(one.low, 0);
  EXPECT_EQ(one.high, 1);
}

TEST(Interval, depends_on_the_seed_alone) {
  std::vector<uint8_t> right(60);
  std::vector<int32_t> group(60);
  for (size_t i = 0; i < 60; ++i) {
    right[i] = i % 7 != 0 || i > 40;
    group[i] = static_cast<int32_t>(i / 5);
  }
  const Interval first = bootstrap_interval(right, group, 5), again = bootstrap_interval(right, group, 5);
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
}

}  // namespace
}  // namespace mudra
