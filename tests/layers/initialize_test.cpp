// First weights have the mean and deviation that their initialisation promises.
#include "mudra/layers/initialize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mudra/layers/dense.h"

namespace mudra {
namespace {

struct MeanAndDeviation {
  double mean = 0, deviation = 0, largest = 0;
};

MeanAndDeviation moments_of(Initialization initialization) {
  Dense dense(784, 128);
  Rng rng(1, Purpose::test);
  dense.initialize(initialization, rng);
  for (const Scalar bias : dense.parameters.bias.values()) EXPECT_EQ(bias, 0);
  const std::vector<Scalar> weights = to_file_order(list(dense.parameters)[0]);
  EXPECT_EQ(weights.size(), 784U * 128U);
  MeanAndDeviation moments;
  double squares = 0;
  for (const Scalar weight : weights) {
    const double w = static_cast<double>(weight);
    moments.mean += w / static_cast<double>(weights.size());
    squares += w * w / static_cast<double>(weights.size());
    moments.largest = std::max(moments.largest, std::fabs(w));
  }
  moments.deviation = std::sqrt(squares - moments.mean * moments.mean);
  return moments;
}

// Of 100,352 draws the mean has a standard error of 0.0032 deviations, the deviation one of 0.0022: five are
// allowed.
void expect_moments(const MeanAndDeviation& found, double deviation) {
  EXPECT_NEAR(found.mean, 0, 0.016 * deviation);
  EXPECT_NEAR(found.deviation, deviation, 0.011 * deviation);
}

TEST(Initialize, NormalWeightsHaveMeanZeroAndDeviationOne) {
  const MeanAndDeviation found = moments_of(Initialization::normal);
  expect_moments(found, 1);
  EXPECT_GT(found.largest, 3.5) << "no tails";
}

// He et al. 2015, equation 10
TEST(Initialize, HeWeightsHaveADeviationForReluOfTheirInputs) {
  expect_moments(moments_of(Initialization::he), std::sqrt(2.0 / 784));
}

// Glorot and Bengio 2010, equation 16: uniform, whose deviation is the bound / sqrt 3
TEST(Initialize, XavierWeightsStayWithinTheirBound) {
  const double bound = std::sqrt(6.0 / (784 + 128));
  const MeanAndDeviation found = moments_of(Initialization::xavier);
  expect_moments(found, bound / std::sqrt(3.0));
  EXPECT_LE(found.largest, bound * (1 + 1e-6));
}

}  // namespace
}  // namespace mudra
