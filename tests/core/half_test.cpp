// Half precision against IEEE 754's definition, in double arithmetic, for every one of its numbers.
#include "mudra/core/half.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mudra {
namespace {

double meaning(uint32_t half) {
  const double sign = half & 0x8000u ? -1 : 1;
  const int exponent = static_cast<int>(half >> 10 & 31u);
  const double fraction = half & 0x3FFu;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Half, EveryNumberMeansWhatTheStandardSaysAndComesBack) {
  for (uint32_t half = 0; half < 0x10000u; ++half) {
    if ((half >> 10 & 31u) == 31u) continue;
    const float value = from_half(static_cast<uint16_t>(half));
    ASSERT_EQ(static_cast<double>(value), meaning(half)) << half;
    ASSERT_EQ(std::signbit(value), (half & 0x8000u) != 0) << half;
    ASSERT_EQ(to_half(value), half);
  }
}

TEST(Half, RoundsToTheNearestAndOfTwoToTheEvenOne) {
  for (uint32_t half = 0; half < 0x7BFFu; ++half) {
    const double low = meaning(half), high = meaning(half + 1), middle = (low + high) / 2;
    const auto just = [&](double toward) {
      return std::nextafter(static_cast<float>(middle), static_cast<float>(toward));
    };
    ASSERT_EQ(to_half(static_cast<float>(middle)), half % 2 == 0 ? half : half + 1) << half;
    ASSERT_EQ(to_half(just(low)), half) << half;
    ASSERT_EQ(to_half(just(high)), half + 1) << half;
  }
  EXPECT_EQ(to_half(65519.99F), 0x7BFF);
  EXPECT_EQ(to_half(65520), 0x7C00);
  EXPECT_TRUE(std::isinf(from_half(0x7C00)));
  EXPECT_TRUE(std::isnan(from_half(to_half(std::nanf("")))));
}

}  // namespace
}  // namespace mudra
