// How often the interval of a new hand covers what it claims to: hands simulated by the thousand.
// docs/intervals.md has the table that
//   MUDRA_COVERAGE=table build/release/tests/mudra_tests --gtest_filter='Coverage.*'
// prints.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>

#include "mudra/evaluation/interval.h"

namespace mudra {
namespace {

struct Setting {
  double accuracy;     // expected, over all the hands there might be
  double correlation;  // within a hand: each one's accuracy is drawn from a beta distribution
  int hands;
  int images;  // of each hand; 0: from 1 to 60, drawn
};

struct Shares {
  double both, t_alone;  // of the simulated tests whose interval covers the expected accuracy
};

Shares coverage(const Setting& s, int tests, uint64_t seed) {
  const std::map<int, double> quantiles = {{3, 4.302653}, {5, 2.776445}, {10, 2.262157}, {20, 2.093024}};
  std::mt19937_64 random(seed);
  int both = 0, t_alone = 0;
  for (int test = 0; test < tests; ++test) {
    std::vector<uint8_t> right;
    std::vector<int32_t> hand;
    std::vector<double> accuracies;
    for (int h = 0; h < s.hands; ++h) {
      double accuracy = s.accuracy;
      if (s.correlation > 0) {
        const double size = 1 / s.correlation - 1;
        const double a = std::gamma_distribution(s.accuracy * size)(random);
        const double b = std::gamma_distribution((1 - s.accuracy) * size)(random);
        accuracy = a / (a + b);
      }
      const int images = s.images > 0 ? s.images : std::uniform_int_distribution(1, 60)(random);
      const int rightly = std::binomial_distribution(images, accuracy)(random);
      accuracies.push_back(static_cast<double>(rightly) / images);
      for (int i = 0; i < images; ++i) right.push_back(i < rightly);
      hand.insert(hand.end(), static_cast<size_t>(images), h);
    }
    const Interval interval = new_hand_interval(right, hand);
    both += interval.low <= s.accuracy && s.accuracy <= interval.high;
    double mean = 0, squares = 0;
    for (const double accuracy : accuracies) mean += accuracy / s.hands;
    for (const double accuracy : accuracies) squares += (accuracy - mean) * (accuracy - mean);
    t_alone += std::fabs(mean - s.accuracy) <=
               quantiles.at(s.hands) * std::sqrt(squares / (s.hands - 1) / s.hands) + 1e-12;
  }
  return {static_cast<double>(both) / tests, static_cast<double>(t_alone) / tests};
}

void print_table() {
  std::string text =
      "| hands | pictures of each | 0 | .02 | .05 | .1 | .2 | .3 | .5 "
      "|\n|---|---|---|---|---|---|---|---|---|\n";
  uint64_t seed = 0;
  for (const int hands : {3, 5, 10, 20}) {
    for (const int images : {5, 20, 100, 0}) {
      text += fmt::format("| {} | {} |", hands, images > 0 ? std::to_string(images) : "1 to 60");
      for (const double correlation : {0., .02, .05, .1, .2, .3, .5}) {
        Shares least = {1, 1};
        for (const double accuracy : {.5, .8, .9, .95, .99}) {
          const Shares found = coverage({accuracy, correlation, hands, images}, 2000, ++seed);
          least = {std::min(least.both, found.both), std::min(least.t_alone, found.t_alone)};
        }
        EXPECT_GE(least.both, correlation < .5 ? 0.9 : 0.85);
        text += fmt::format(" {:.1f} ({:.0f}) |", 100 * least.both, 100 * least.t_alone);
      }
      text += "\n";
    }
  }
  fmt::print("{}", text);
}

// The settings where Student's t alone covers least, or this interval does.
TEST(Coverage, of_a_new_hand_is_at_least_90_percent) {
  if (std::getenv("MUDRA_COVERAGE")) return print_table();
  for (const Setting& s : {Setting{.99, .02, 3, 5},
                           {.95, .1, 5, 20},
                           {.5, .2, 5, 100},
                           {.9, .3, 10, 20},
                           {.8, .3, 5, 5},
                           {.99, .3, 20, 100},
                           {.95, .05, 20, 0}}) {
    const Shares found = coverage(s, 1000, 1);
    EXPECT_GE(found.both, 0.9) << s.accuracy << " " << s.correlation << " " << s.hands << " " << s.images;
    EXPECT_GE(found.both, found.t_alone);
  }
}

}  // namespace
}  // namespace mudra
