// Expected values: tests/reference/calibration.py (scikit-learn 1.2.1, SciPy, NumPy).
#include "mudra/inference/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"
#include "mudra/evaluation/reliability.h"

namespace mudra {
namespace {

struct Case {
  std::string name;
  std::vector<int32_t> truth;
  Answers answers;
  nlohmann::json expected;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto reference =
      nlohmann::json::parse(std::ifstream(MUDRA_SOURCE_DIR "/tests/reference/calibration.json"));
  EXPECT_EQ(reference["versions"]["scikit-learn"], "1.2.1");
  for (const auto& expected : reference["cases"]) {
    Case made{expected["name"], expected["truth"], {}, expected};
    made.answers.classes = expected["classes"];
    made.answers.labels.assign(made.truth.size(), 0);
    made.answers.probabilities = expected["probabilities"].get<std::vector<float>>();
    all.push_back(std::move(made));
  }
  EXPECT_EQ(all.size(), 7U);
  return all;
}

TEST(Temperature, IsWhereScipyFindsTheLeastLogLoss) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const double temperature = fit_temperature(c.truth, c.answers, c.expected["independent"]);
    EXPECT_NEAR(temperature, c.expected["temperature"].get<double>(), 1e-5 * temperature);
  }
}

TEST(Temperature, ChangesProbabilitiesAsNumpysSoftmaxOfTheLogits) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const std::vector<float> changed = tempered(c.answers, 1 / 1.7).probabilities;
    const auto expected = c.expected["tempered"].get<std::vector<double>>();
    ASSERT_EQ(changed.size(), expected.size());
    for (size_t i = 0; i < changed.size(); ++i) EXPECT_NEAR(changed[i], expected[i], 1e-7);
  }
}

TEST(Reliability, EqualsScikitLearnAndNumpy) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Reliability found = reliability(c.truth, c.answers);
    EXPECT_NEAR(found.log_loss, c.expected["log_loss"].get<double>(), 1e-9);
    EXPECT_NEAR(found.brier, c.expected["brier"].get<double>(), 1e-12);
    EXPECT_NEAR(found.expected_calibration_error, c.expected["expected_calibration_error"].get<double>(),
                1e-7);
    int64_t n = 0;
    for (const ReliabilityBin& bin : found.bins) n += bin.n;
    EXPECT_EQ(n, static_cast<int64_t>(c.truth.size()));
  }
}

TEST(Reliability, BinsHoldTheirUpperEdge) {
  const Answers answers{2, {0, 0, 0, 0}, {0.6F, 0.4F, 0.61F, 0.39F, 1, 0, 0.5F, 0.5F}};
  const std::vector<int32_t> truth{0, 1, 0, 1};
  const Reliability found = reliability(truth, answers);
  ASSERT_EQ(found.bins.size(), 15U);
  EXPECT_EQ(found.bins[7].n, 1);   // 0.5 lies in (7/15, 8/15]
  EXPECT_EQ(found.bins[9].n, 2);   // 0.61, and the float 0.6, which is a little more than 9/15
  EXPECT_EQ(found.bins[14].n, 1);  // 1
  EXPECT_EQ(found.bins[14].right, 1);
  EXPECT_THROW(reliability(std::vector<int32_t>{0, 1, 2, 0}, answers), Error);
  EXPECT_THROW(reliability(std::vector<int32_t>{0}, answers), Error);
}

// Answers that are as sure as they are right stay as they are; those of sharpened logits are brought back.
TEST(Temperature, BringsConfidenceBackToWhatIsRight) {
  Rng rng(5, Purpose::test);
  constexpr int images = 20'000;
  Answers honest{3, std::vector<int32_t>(images), {}};
  std::vector<int32_t> truth;
  for (int i = 0; i < images; ++i) {
    float p[3], sum = 0;
    for (float& value : p) sum += value = static_cast<float>(rng.uniform(0.02, 1));
    const double drawn = rng.uniform() * static_cast<double>(sum);
    truth.push_back(drawn < static_cast<double>(p[0]) ? 0 : drawn < static_cast<double>(p[0] + p[1]) ? 1 : 2);
    for (const float value : p) honest.probabilities.push_back(value / sum);
  }
  EXPECT_NEAR(fit_temperature(truth, honest, images), 1, 0.04);
  const Answers sharp = tempered(honest, 3);
  EXPECT_NEAR(fit_temperature(truth, sharp, images), 3, 0.12);
  EXPECT_GT(reliability(truth, sharp).expected_calibration_error, 0.15);
  EXPECT_LT(reliability(truth, tempered(sharp, 1 / fit_temperature(truth, sharp, images)))
                .expected_calibration_error,
            0.015);
}

TEST(RejectionThreshold, RefusesNoMoreThanItsShare) {
  Answers answers{2, std::vector<int32_t>(100), {}};
  for (int i = 0; i < 100; ++i) {
    const float p = 0.5F + 0.005F * static_cast<float>(i * 37 % 100);
    answers.probabilities.push_back(p);
    answers.probabilities.push_back(1 - p);
  }
  EXPECT_EQ(rejection_threshold(answers, 0), 0);
  EXPECT_EQ(rejection_threshold(answers, 0.004), 0);
  for (const double share : {0.01, 0.07, 0.29, 0.5}) {
    const double threshold = rejection_threshold(answers, share);
    int64_t below = 0;
    for (size_t i = 0; i < 100; ++i) below += static_cast<double>(answers.confidence(i)) < threshold;
    EXPECT_EQ(below, static_cast<int64_t>(share * 100 + 0.5));
  }
  EXPECT_EQ(rejection_threshold({}, 0.1), 0);
}

}  // namespace
}  // namespace mudra
