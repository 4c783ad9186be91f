// The losses against the maths library in extended precision, and their gradients against central
// differences.
#include "mudra/network/loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mudra/core/rng.h"

namespace mudra {
namespace {

constexpr bool in_double = sizeof(Scalar) == 8;

// From the definition, with log1p so that nothing is lost: -log p = log(1 + exp(-z)).
long double binary_loss(long double z, long double t) {
  const auto minus_log_sigmoid = [](long double v) {
    return v < 0 ? -v + std::log1p(std::exp(v)) : std::log1p(std::exp(-v));
  };
  return t * minus_log_sigmoid(z) + (1 - t) * minus_log_sigmoid(-z);
}

TEST(Loss, BinaryIsExactForLogitsOfAnySize) {
  Loss loss(2, 1);
  Tensor logits({1, 1}), gradient({1, 1});
  for (const double z : {0.0, 1e-8, 0.5, 3.0, 17.0, 40.0, 88.0, 700.0, 1e4, 1e30}) {
    for (const double sign : {-1.0, 1.0}) {
      for (const int32_t label : {0, 1}) {
        logits[0] = static_cast<Scalar>(sign * z);
        const double found = loss(logits, std::span(&label, 1), gradient).mean;
        const auto expected = static_cast<double>(binary_loss(static_cast<long double>(logits[0]), label));
        EXPECT_NEAR(found, expected, (in_double ? 1e-14 : 1e-6) * expected + (in_double ? 1e-300 : 1e-37))
            << "logit " << logits[0] << ", label " << label;
        EXPECT_TRUE(std::isfinite(gradient[0]));
      }
    }
  }
}

// The mean loss of random logits, and the labels that go with them.
class RandomLogits {
 public:
  RandomLogits(int64_t classes, int64_t count, double smoothing)
      : loss_(classes, count, {smoothing}),
        logits({count, classes == 2 ? 1 : classes}),
        gradient(logits.shape()) {
    Rng rng(5, Purpose::test);
    for (int64_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<Scalar>(rng.normal(0, 2));
    for (int64_t i = 0; i < count; ++i) {
      labels_.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(classes))));
    }
    loss_(logits, labels_, gradient);
  }
  double value() {
    Tensor none;
    return loss_(logits, labels_, none).mean;
  }

 private:
  Loss loss_;
  std::vector<int32_t> labels_;

 public:
  Tensor logits, gradient;
};

TEST(Loss, GradientsMatchCentralDifferences) {
  const double h = in_double ? 1e-5 : 1e-2, tolerance = in_double ? 1e-9 : 1e-4;
  for (const int64_t classes : {2, 3, 10}) {
    for (const double smoothing : {0.0, 0.2}) {
      RandomLogits random(classes, 7, smoothing);
      for (int64_t i = 0; i < random.logits.size(); ++i) {
        Scalar& z = random.logits[i];
        const Scalar kept = z;
        z = static_cast<Scalar>(static_cast<double>(kept) + h);
        const double above = static_cast<double>(z), high = random.value();
        z = static_cast<Scalar>(static_cast<double>(kept) - h);
        const double slope = (high - random.value()) / (above - static_cast<double>(z));
        z = kept;
        EXPECT_NEAR(static_cast<double>(random.gradient[i]), slope, tolerance)
            << classes << " classes, smoothing " << smoothing << ", logit " << i;
      }
    }
  }
}

// The last batch of an epoch may be smaller than the others: 14 examples weigh as 14, not as 14 of 32.
TEST(Loss, ABatchIsDividedByItsOwnSize) {
  for (const int64_t classes : {2, 10}) {
    Loss loss(classes, 32);
    Tensor logits({14, classes == 2 ? 1 : classes}), gradient(logits.shape());
    logits.fill(0);
    const std::vector<int32_t> labels(14, 1);
    const BatchLoss result = loss(logits, labels, gradient);
    EXPECT_NEAR(result.mean, std::log(static_cast<double>(classes)), 1e-6);
    const double expected = (1.0 / static_cast<double>(classes) - 1) / 14;
    const int64_t right = classes == 2 ? 0 : 1;
    EXPECT_NEAR(static_cast<double>(gradient[right]), expected, 1e-8) << classes << " classes";
  }
}

// softmax of (1, 2, 4) / 2 and sigmoid of 3 / 2, by arithmetic in double precision
TEST(Loss, ProbabilitiesAreOfLogitsDividedByTheTemperature) {
  Tensor logits({1, 3}), three({1, 3}), two({1, 2});
  logits[0] = 1, logits[1] = 2, logits[2] = 4;
  probabilities(logits, 3, three, 2);
  const double e[] = {std::exp(0.5), std::exp(1.0), std::exp(2.0)};
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(static_cast<double>(three[c]), e[c] / (e[0] + e[1] + e[2]), 1e-6) << c;
  }
  Tensor one({1, 1});
  one[0] = 3;
  probabilities(one, 2, two, 2);
  EXPECT_NEAR(static_cast<double>(two[0]), 1 / (1 + std::exp(1.5)), 1e-6);
  EXPECT_NEAR(static_cast<double>(two[1]), 1 / (1 + std::exp(-1.5)), 1e-6);
}

}  // namespace
}  // namespace mudra
