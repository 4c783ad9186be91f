// The functions stay within their stated bounds of the maths library in extended precision.
#include "mudra/core/portable_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mudra {
namespace {

long double relative(double actual, long double expected) {
  return std::abs((static_cast<long double>(actual) - expected) / expected);
}
long double absolute(double actual, long double expected) {
  return std::abs(static_cast<long double>(actual) - expected);
}

// Calls test(x) for `count` values from low to high, none of them round.
template <class Test>
void sweep(double low, double high, int count, const Test& test) {
  for (int i = 0; i <= count; ++i) test(low + (high - low) * (i + 0.318309886) / (count + 1));
}

TEST(PortableMath, ExpHasItsRelativeError) {
  sweep(-708, 709.7, 200000, [](double x) {
    ASSERT_LT(relative(portable::exp(x), std::exp(static_cast<long double>(x))), 4e-16L) << x;
  });
  EXPECT_EQ(portable::exp(0), 1);
  EXPECT_EQ(portable::exp(-746), 0);
  EXPECT_EQ(portable::exp(710), std::numeric_limits<double>::infinity());
  EXPECT_EQ(portable::exp(-745.1), std::numeric_limits<double>::denorm_min());
  EXPECT_TRUE(std::isnan(portable::exp(std::nan(""))));
}

TEST(PortableMath, LogHasItsRelativeError) {
  const auto test = [](double x) {
    ASSERT_LT(relative(portable::log(x), std::log(static_cast<long double>(x))), 4e-16L) << x;
  };
  sweep(1e-3, 0.9, 100000, test);
  sweep(1.1, 1000, 100000, test);
  sweep(-300, 300, 20000, [&](double power) { test(std::pow(10.0, power)); });
  EXPECT_EQ(portable::log(1), 0);
}

TEST(PortableMath, SinAndCosHaveTheirAbsoluteError) {
  const auto test = [](double x) {
    ASSERT_LT(absolute(portable::sin(x), std::sin(static_cast<long double>(x))), 1e-15L) << x;
    ASSERT_LT(absolute(portable::cos(x), std::cos(static_cast<long double>(x))), 1e-15L) << x;
  };
  sweep(-10, 10, 100000, test);
  sweep(-1e6, 1e6, 100000, test);
}

TEST(PortableMath, Atan2HasItsAbsoluteErrorInEveryQuadrant) {
  sweep(-portable::pi, portable::pi, 100000, [](double angle) {
    const double y = 3 * std::sin(angle), x = 3 * std::cos(angle);
    ASSERT_LT(
        absolute(portable::atan2(y, x), std::atan2(static_cast<long double>(y), static_cast<long double>(x))),
        1e-15L)
        << angle;
  });
  EXPECT_EQ(portable::atan2(0, 0), 0);
  EXPECT_EQ(portable::atan2(0, -1), portable::pi);
  EXPECT_EQ(portable::atan2(-2, 0), -portable::pi / 2);
}

TEST(PortableMath, PowHasItsRelativeError) {
  for (const double power : {-3.5, -1.0, 0.45, 1 / 2.4, 2.2, 7.0}) {
    sweep(0.01, 50, 20000, [&](double x) {
      const long double expected = std::pow(static_cast<long double>(x), static_cast<long double>(power));
      ASSERT_LT(relative(portable::pow(x, power), expected), 1e-13L) << x << "^" << power;
    });
  }
}

TEST(PortableMath, TanhHasItsAbsoluteError) {
  sweep(-25, 25, 100000, [](double x) {
    ASSERT_LT(absolute(portable::tanh(x), std::tanh(static_cast<long double>(x))), 1e-15L) << x;
  });
}

}  // namespace
}  // namespace mudra
