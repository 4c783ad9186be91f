// Draws: within their limits, the same for the same seed, and with the estimator better than at random.
#include "mudra/tuning/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mudra {
namespace {

const SearchSpace& drawn_space() {
  static const SearchSpace all = SearchSpace::parse(R"(
    [learning-rate]
    low = 0.0001
    high = 1.0
    log = true
    [batch-size]
    low = 1
    high = 4
    [optimizer]
    choices = ["sgd", "momentum", "adam"]
    [momentum]
    low = 0.0
    high = 0.9
    when.optimizer = ["momentum"]
  )",
                                                    "space.toml");
  return all;
}

// Best where the rate is 0.01, the batch 2 and the optimizer adam.
double score_of(const Draw& draw) {
  const double rate = std::log10(draw.at("learning-rate")) + 2, batch = draw.at("batch-size") - 2;
  return -rate * rate - 0.1 * batch * batch - (draw.at("optimizer") == 2 ? 0 : 0.5);
}

std::vector<Draw> searched(SamplerKind sampler, uint64_t seed, int trials) {
  std::vector<Draw> draws;
  for (int trial = 1; trial <= trials; ++trial) {
    std::vector<Draw> best_first = draws;
    std::ranges::stable_sort(best_first, std::greater{}, score_of);
    draws.push_back(draw_trial(drawn_space(), sampler, best_first, seed, trial));
  }
  return draws;
}

double best_score(const std::vector<Draw>& draws) {
  return score_of(*std::ranges::max_element(draws, {}, score_of));
}

TEST(Sampler, StaysWithinTheLimits) {
  for (const SamplerKind sampler : {SamplerKind::random, SamplerKind::tpe}) {
    for (const Draw& draw : searched(sampler, 1, 60)) EXPECT_TRUE(drawn_space().could_draw(draw));
  }
}

TEST(Sampler, AtRandomFillsEveryRangeEvenly) {
  std::vector<int> batches(5), tenths(4);
  int with_momentum = 0;
  constexpr int trials = 4000;
  for (int trial = 1; trial <= trials; ++trial) {
    const Draw draw = draw_trial(drawn_space(), SamplerKind::random, {}, 3, trial);
    ++batches[static_cast<size_t>(draw.at("batch-size"))];
    ++tenths[std::min<size_t>(3, static_cast<size_t>(std::log10(draw.at("learning-rate")) + 4))];
    with_momentum += draw.contains("momentum") ? 1 : 0;
  }
  // Five standard deviations of a binomial count.
  const auto near = [](int count, double share) {
    return std::abs(count - trials * share) < 5 * std::sqrt(trials * share * (1 - share));
  };
  for (int batch = 1; batch <= 4; ++batch)
    EXPECT_TRUE(near(batches[static_cast<size_t>(batch)], 0.25)) << batch;
  for (size_t power = 0; power < 4; ++power) EXPECT_TRUE(near(tenths[power], 0.25)) << power;
  EXPECT_TRUE(near(with_momentum, 1 / 3.0)) << with_momentum;
}

TEST(Sampler, DrawsTheSameForTheSameSeed) {
  for (const SamplerKind sampler : {SamplerKind::random, SamplerKind::tpe}) {
    EXPECT_EQ(searched(sampler, 7, 30), searched(sampler, 7, 30));
    EXPECT_NE(searched(sampler, 7, 30), searched(sampler, 8, 30));
  }
}

TEST(Sampler, IsRandomForTenTrials) {
  const auto tpe = searched(SamplerKind::tpe, 5, 11), random = searched(SamplerKind::random, 5, 11);
  EXPECT_TRUE(std::equal(tpe.begin(), tpe.begin() + 10, random.begin()));
  EXPECT_NE(tpe[10], random[10]);
}

TEST(Sampler, OfTheEstimatorFindsBetterThanAtRandom) {
  constexpr uint64_t seeds = 40;
  int wins = 0;
  double tpe_sum = 0, random_sum = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const double tpe = best_score(searched(SamplerKind::tpe, seed, 50));
    const double random = best_score(searched(SamplerKind::random, seed, 50));
    wins += tpe > random ? 1 : 0;
    tpe_sum += tpe;
    random_sum += random;
  }
  EXPECT_GE(wins, 27);                   // by chance alone in less than 2% of such tests
  EXPECT_GT(tpe_sum, 0.5 * random_sum);  // both are negative: less than half as far from the best
}

}  // namespace
}  // namespace mudra
