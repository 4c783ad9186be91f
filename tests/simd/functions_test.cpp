// Elementwise functions against the maths library in extended precision.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "mudra/simd/activation.h"

namespace mudra {
namespace {

constexpr bool is_double = sizeof(Scalar) == 8;

TEST(Functions, SigmoidIsThatOfTheMathsLibrary) {
  std::vector<Scalar> x, y;
  for (double z = -30; z <= 30; z += 0.037) x.push_back(static_cast<Scalar>(z));
  y.resize(x.size());
  activate(ActivationKind::sigmoid, x.data(), static_cast<int64_t>(x.size()), y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const long double expected = 1 / (1 + std::exp(-static_cast<long double>(x[i])));
    EXPECT_NEAR(static_cast<double>(y[i] / expected), 1, is_double ? 1e-15 : 4e-7) << x[i];
  }
}

TEST(Functions, SigmoidStaysANumberBetweenZeroAndOneFarOut) {
  std::vector<Scalar> x = {-1e30f, -1000, -100, -89, 89, 100, 1000, 1e30f}, y(8);
  activate(ActivationKind::sigmoid, x.data(), 8, y.data());
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_GE(y[i], 0) << x[i];
    EXPECT_LT(y[i], 1e-37) << x[i];
  }
  for (size_t i = 4; i < 8; ++i) EXPECT_EQ(y[i], 1) << x[i];
  const Scalar nan = std::nanf("");
  activate(ActivationKind::sigmoid, &nan, 1, y.data());
  EXPECT_TRUE(std::isnan(y[0]));
}

}  // namespace
}  // namespace mudra
