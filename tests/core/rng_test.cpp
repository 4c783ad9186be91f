#include "mudra/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace mudra {
namespace {

// The lines "philox4x32 10" of tests/kat_vectors in Random123 1.14.0 (github.com/DEShawResearch/random123).
TEST(Philox, MatchesRandom123) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// How far counts are from equal ones: Pearson's statistic.
template <class Counts>
double chi_square(const Counts& counts, double expected) {
  double sum = 0;
  for (const auto& count : counts) {
    const double difference = static_cast<double>(count) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

TEST(Rng, BelowGivesEveryNumberAsOften) {
  Rng rng(1, Purpose::test);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[rng.below(7)];
  EXPECT_LT(chi_square(counts, 10000), 22.46);  // exceeded once in 1,000 by 6 degrees of freedom
}

// Of 2^64 values modulo 3 * 2^62 the first third would come twice as often as the others.
TEST(Rng, BelowIsUnbiasedForBoundsNearThePowerOfTwo) {
  Rng rng(2, Purpose::test);
  constexpr uint64_t third = uint64_t{1} << 62;
  int low = 0;
  for (int i = 0; i < 30000; ++i) {
    const uint64_t value = rng.below(3 * third);
    ASSERT_LT(value, 3 * third);
    low += value < third;
  }
  EXPECT_NEAR(low / 30000.0, 1.0 / 3, 0.011);  // four standard deviations
}

TEST(Rng, ShuffleIsAPermutation) {
  Rng rng(3, Purpose::test);
  std::vector<int> values(1000);
  std::iota(values.begin(), values.end(), 0);
  const std::vector<int> sorted = values;
  rng.shuffle(std::span<int>(values));
  EXPECT_NE(values, sorted);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, sorted);
}

TEST(Rng, ShuffleGivesEveryOrderAsOften) {
  std::map<std::array<int, 4>, int> counts;
  Rng rng(4, Purpose::test);
  for (int i = 0; i < 24000; ++i) {
    std::array<int, 4> order = {0, 1, 2, 3};
    rng.shuffle(std::span<int>(order));
    ++counts[order];
  }
  ASSERT_EQ(counts.size(), 24U);
  std::vector<int> each;
  for (const auto& [order, count] : counts) each.push_back(count);
  EXPECT_LT(chi_square(each, 1000), 49.73);  // once in 1,000 by 23 degrees of freedom
}

TEST(Rng, UniformAndNormalHaveTheirMoments) {
  Rng rng(5, Purpose::test);
  constexpr int count = 100000;
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < count; ++i) {
    const double u = rng.uniform(), z = rng.normal();
    ASSERT_TRUE(u >= 0 && u < 1);
    sum += u;
    squares += u * u;
    normal_sum += z;
    normal_squares += z * z;
  }
  const double deviations = 4 / std::sqrt(count);  // four of the mean's, for a variable of variance 1
  EXPECT_NEAR(sum / count, 0.5, deviations * std::sqrt(1.0 / 12));
  EXPECT_NEAR(squares / count, 1.0 / 3, deviations * std::sqrt(4.0 / 45));
  EXPECT_NEAR(normal_sum / count, 0, deviations);
  EXPECT_NEAR(normal_squares / count, 1, deviations * std::sqrt(2.0));
}

TEST(Rng, StreamsOfOtherNamesShareNoNumbers) {
  std::set<uint32_t> seen;
  const auto add = [&](Rng rng) {
    for (int i = 0; i < 8; ++i) seen.insert(rng.bits());
  };
  add(Rng(1, Purpose::test));
  add(Rng(2, Purpose::test));
  add(Rng(uint64_t{1} << 32 | 1, Purpose::test));
  add(Rng(1, Purpose::split));
  add(Rng(1, Purpose::test, 1));
  add(Rng(1, Purpose::test, 0, 1));
  add(Rng(1, Purpose::test, 0, uint64_t{1} << 32));
  EXPECT_EQ(seen.size(), 56U);
}

TEST(Rng, ACopyRepeatsTheStream) {
  Rng rng(6, Purpose::test);
  rng.normal();
  Rng copy = rng;
  for (int i = 0; i < 9; ++i) {
    ASSERT_EQ(rng.bits(), copy.bits());
    ASSERT_EQ(rng.normal(), copy.normal());
  }
}

}  // namespace
}  // namespace mudra
