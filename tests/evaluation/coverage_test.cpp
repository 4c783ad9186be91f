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
#include "mudra/evaluation/scores.h"

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

// Two classes, an image of each with a number drawn from a bell curve around 0 or `apart`, moved by what its
// hand has in common; answered by which side of the middle it is on.
struct ScoreSetting {
  double apart;
  double of_hands;  // deviation over hands, of 1 within a hand
  int hands;        // 0: all images are independent
  int images;       // of each hand, or all
  double rare;      // share of the second class
};

// The share of simulated tests whose intervals cover what very many hands would give.
struct ScoreShares {
  double balanced_accuracy, cohen_kappa, matthews, roc_auc;
};
ScoreShares score_coverage(const ScoreSetting& s, int tests) {
  const auto below = [](double x) { return std::erfc(-x / std::sqrt(2)) / 2; };  // the normal distribution
  const double deviation = std::sqrt(1 + s.of_hands * s.of_hands);
  const double accuracy = below(s.apart / 2 / deviation), auc = below(s.apart / std::sqrt(2) / deviation);
  std::mt19937_64 random(5);
  std::normal_distribution normal;
  // Of the second class and of the first: shares of all images.
  const double right = s.rare * accuracy, missed = s.rare - right, left = (1 - s.rare) * accuracy;
  const double wrong = 1 - s.rare - left, said = right + wrong,
               chance = s.rare * said + (1 - s.rare) * (1 - said);
  const double kappa = (accuracy - chance) / (1 - chance);
  const double matthews =
      (right * left - wrong * missed) / std::sqrt(said * s.rare * (1 - s.rare) * (1 - said));
  ScoreShares covered{};
  for (int test = 0; test < tests; ++test) {
    std::vector<int32_t> truth, hand;
    Answers answers{2, {}, {}};
    for (int h = 0; h < std::max(1, s.hands); ++h) {
      const double shift[] = {s.of_hands * normal(random), s.of_hands * normal(random)};
      for (int i = 0; i < s.images; ++i) {
        truth.push_back(std::uniform_real_distribution()(random) < s.rare);
        if (s.hands > 0) hand.push_back(h);
        const double x = normal(random) + truth.back() * s.apart + shift[truth.back()];
        const auto p = static_cast<float>(1 / (1 + std::exp(s.apart / 2 - x)));
        answers.labels.push_back(p > 0.5F);
        answers.probabilities.insert(answers.probabilities.end(), {1 - p, p});
      }
    }
    const Scores scores = scores_of(
        truth, answers, Resampling(truth.size(), 2, {.groups = hand, .seed = static_cast<uint64_t>(test)}));
    const auto covers = [&](const Score& score, double value) {
      return score.low <= value && value <= score.high ? 1. / tests : 0;
    };
    covered.balanced_accuracy += covers(scores.balanced_accuracy, accuracy);
    covered.cohen_kappa += covers(scores.cohen_kappa, kappa);
    covered.matthews += covers(scores.matthews, matthews);
    covered.roc_auc += covers(scores.per_class[1].roc_auc, auc);
  }
  return covered;
}

TEST(Coverage, of_scores_is_at_least_90_percent) {
  const bool is_table = std::getenv("MUDRA_COVERAGE") != nullptr;
  if (is_table)
    fmt::print(
        "| hands | pictures | of the rarer class | apart | deviation of hands | balanced accuracy | kappa | "
        "Matthews | ROC area |\n|---|---|---|---|---|---|---|---|---|\n");
  for (const ScoreSetting& s : {ScoreSetting{1.5, 0, 0, 60, .5},
                                {3, 0, 0, 60, .5},
                                {3, 0, 0, 200, .1},
                                {4, 0, 0, 100, .05},
                                {4.5, 0, 0, 200, .5},
                                {2, .5, 3, 30, .5},
                                {2, .5, 5, 30, .5},
                                {3, .7, 5, 100, .5},
                                {3, .5, 10, 30, .3},
                                {2, 1, 10, 30, .5},
                                {3, .7, 30, 10, .5}}) {
    const ScoreShares found = score_coverage(s, is_table ? 2000 : 200);
    if (is_table) {
      fmt::print("| {} | {} | {:.0f}% | {} | {} | {:.1f} | {:.1f} | {:.1f} | {:.1f} |\n",
                 s.hands > 0 ? std::to_string(s.hands) : "-", s.images, 100 * s.rare, s.apart, s.of_hands,
                 100 * found.balanced_accuracy, 100 * found.cohen_kappa, 100 * found.matthews,
                 100 * found.roc_auc);
    }
    const std::string setting = fmt::format("{} {} {} {} {}", s.apart, s.of_hands, s.hands, s.images, s.rare);
    EXPECT_GE(found.balanced_accuracy, 0.9) << setting;
    EXPECT_GE(found.cohen_kappa, 0.9) << setting;
    EXPECT_GE(found.matthews, 0.9) << setting;
    EXPECT_GE(found.roc_auc, 0.9) << setting;
  }
}

}  // namespace
}  // namespace mudra
