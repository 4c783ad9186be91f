// Expected values: tests/reference/comparison.py (SciPy, NumPy). How often intervals and tests err:
// simulated.
#include "mudra/evaluation/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "mudra/core/error.h"
#include "tests/message.h"

namespace mudra {
namespace {

const nlohmann::json& reference() {
  static const nlohmann::json values =
      nlohmann::json::parse(std::ifstream(MUDRA_SOURCE_DIR "/tests/reference/comparison.json"));
  return values;
}

const std::vector<std::string> two_classes = {"0", "5"};

TEST(McNemar, equals_scipy_exactly) {
  ASSERT_GT(reference()["mcnemar"].size(), 100u);
  for (const auto& [a, b, p] :
       reference()["mcnemar"].get<std::vector<std::tuple<int64_t, int64_t, double>>>()) {
    EXPECT_NEAR(mcnemar_p_value(a, b), p, 1e-12) << a << " " << b;
    EXPECT_NEAR(mcnemar_p_value(a, b), p, 1e-9 * p) << a << " " << b;  // also where it is tiny
    EXPECT_EQ(mcnemar_p_value(a, b), mcnemar_p_value(b, a));
  }
}

TEST(McNemar, of_a_million_disagreements_is_a_number) {
  // By the normal distribution, which is exact enough there: 2 (1 - Phi(1.999)) with a continuity correction.
  EXPECT_NEAR(mcnemar_p_value(499'000, 501'000), std::erfc((1000 - .5) / std::sqrt(250'000.) / std::sqrt(2.)),
              1e-6);
  EXPECT_GE(mcnemar_p_value(0, 1'000'000), 0);
}

TEST(SignFlips, equal_every_choice_of_signs) {
  ASSERT_GT(reference()["flips"].size(), 30u);
  for (const auto& [units, p] :
       reference()["flips"].get<std::vector<std::pair<std::vector<int64_t>, double>>>())
    EXPECT_NEAR(sign_flip_p_value(units), p, 1e-12) << nlohmann::json(units);
}

TEST(SignFlips, of_single_images_are_mcnemars_test) {
  for (const auto& [a, b] : {std::pair(0, 5), std::pair(7, 19), std::pair(80, 60)}) {
    std::vector<int64_t> differences(50);  // images on which both agree
    differences.insert(differences.end(), static_cast<size_t>(a), -1);
    differences.insert(differences.end(), static_cast<size_t>(b), 1);
    EXPECT_NEAR(sign_flip_p_value(differences), mcnemar_p_value(a, b), 1e-13);
  }
}

TEST(PairedInterval, is_tangos_by_scipy) {
  for (const auto& [a, b, n, z, low, high] :
       reference()["paired"].get<std::vector<std::tuple<double, double, double, double, double, double>>>()) {
    const Interval interval = paired_interval(a, b, n, z);
    EXPECT_NEAR(interval.low, low, 1e-7) << a << " " << b << " " << n;
    EXPECT_NEAR(interval.high, high, 1e-7) << a << " " << b << " " << n;
  }
}

std::vector<PairedScore> units_of_reference(const nlohmann::json& expected) {
  std::vector<PairedScore> units;
  for (size_t i = 0; i < expected["n"].size(); ++i) {
    units.push_back(
        {.n = expected["n"][i], .only_a_right = expected["a"][i], .only_b_right = expected["b"][i]});
  }
  return units;
}

TEST(PairedInterval, of_units_is_numpys) {
  for (const auto& expected : reference()["units"]) {
    const Interval interval = paired_units_interval(units_of_reference(expected), expected["correlation"]);
    EXPECT_NEAR(interval.low, expected["interval"][0].get<double>(), 1e-7);
    EXPECT_NEAR(interval.high, expected["interval"][1].get<double>(), 1e-7);
    EXPECT_EQ(interval.independent, static_cast<int64_t>(expected["n"].size()));
  }
}

TEST(PairedInterval, without_any_disagreement_has_a_width) {
  // As wide as the share of disagreement can be: z^2 / (n + z^2), Wilson's bound of none in 100.
  const double z = 1.959963984540054, bound = z * z / (100 + z * z);
  EXPECT_NEAR(paired_interval(0, 0, 100, z).low, -bound, 1e-12);
  EXPECT_NEAR(paired_interval(0, 0, 100, z).high, bound, 1e-12);
  // Seven copies each of 2,000 photographs tell as much as 2,000 images.
  const std::vector<PairedScore> copies(2000, PairedScore{.n = 7});
  EXPECT_NEAR(paired_units_interval(copies, 1).high, z * z / (2000 + z * z), 1e-12);
  const Interval one = paired_units_interval(std::vector<PairedScore>{{.n = 100, .only_b_right = 3}}, 1);
  EXPECT_EQ(std::pair(one.low, one.high), std::pair(-1., 1.));
}

TEST(Holm, is_as_by_numpy) {
  for (const auto& [p, adjusted] :
       reference()["holm"].get<std::vector<std::pair<std::vector<double>, std::vector<double>>>>()) {
    const std::vector<double> found = holm(p);
    for (size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(found[i], adjusted[i], 1e-14);
  }
}

TEST(Comparison, counts_who_is_right_by_class_and_group) {
  //                                  a only, b only, both, none, b only, a only
  const std::vector<uint8_t> right_a = {1, 0, 1, 0, 0, 1}, right_b = {0, 1, 1, 0, 1, 0};
  const std::vector<int32_t> labels = {0, 0, 0, 1, 1, 1}, groups = {2, 2, 0, 0, 3, 3};
  const std::vector<std::string> names = {"ann", "bob", "cy", "di"};
  const Comparison found =
      compare(right_a, right_b, labels, two_classes, {.groups = groups, .group_names = names});
  EXPECT_EQ(found.all.n, 6);
  EXPECT_EQ(found.all.right_a, 3);
  EXPECT_EQ(found.all.only_a_right, 2);
  EXPECT_EQ(found.all.only_b_right, 2);
  ASSERT_EQ(found.per_class.size(), 2u);
  EXPECT_EQ(found.per_class[1].name, "5");
  EXPECT_EQ(found.per_class[1].only_b_right, 1);
  ASSERT_EQ(found.groups.size(), 3u);  // bob has no image
  EXPECT_EQ(found.groups[2].name, "di");
  EXPECT_EQ(found.groups[0].right_b, 1);
  EXPECT_EQ(found.interval.unit, "group");
  EXPECT_EQ(found.interval.independent, 3);
}

TEST(Comparison, goes_by_hands_then_photographs_then_images) {
  const std::vector<uint8_t> right_a = {1, 0, 1, 0, 0, 1}, right_b = {1, 1, 1, 1, 1, 0};
  const std::vector<int32_t> labels(6), three = {0, 0, 1, 1, 2, 2}, two = {0, 0, 0, 1, 1, 1};
  const std::vector<std::string> names = {"a", "b", "c"};
  const auto unit = [&](const IndependentUnits& units) {
    return compare(right_a, right_b, labels, two_classes, units).interval.unit;
  };
  EXPECT_EQ(unit({}), "image");
  EXPECT_EQ(unit({.photographs = three}), "photograph");
  EXPECT_EQ(unit({.groups = three, .photographs = three, .group_names = names}), "group");
  EXPECT_EQ(unit({.groups = two, .photographs = three, .group_names = names}),
            "photograph");  // two hands tell little
  const Comparison both = compare(right_a, right_b, labels, two_classes,
                                  {.groups = three, .photographs = three, .group_names = names});
  EXPECT_EQ(both.photographs_p_value, both.units_p_value);
  EXPECT_FALSE(compare(right_a, right_b, labels, two_classes, {}).photographs_p_value);
}

TEST(Comparison, refuses_what_does_not_fit) {
  const std::vector<uint8_t> two = {1, 0}, three = {1, 0, 1};
  const std::vector<int32_t> labels = {0, 1};
  EXPECT_THROW(compare(two, three, labels, two_classes, {}), Error);
  EXPECT_THROW(compare({}, {}, {}, two_classes, {}), Error);
}

// ---- how often they err

// Two models on units of images. Within a unit the share of disagreements is drawn from a beta distribution
// of this correlation, and so is the share of B among them: at `correlation` 1 a unit's images are all the
// same.
struct Simulated {
  std::vector<PairedScore> units;
  PairedScore all;
};

Simulated simulate(std::mt19937_64& random, int count, int images, double only_a, double only_b,
                   double correlation) {
  Simulated made;
  for (int u = 0; u < count; ++u) {
    double a = only_a, b = only_b;
    if (correlation > 0) {  // Dirichlet, of both and the rest
      const double size = 1 / correlation - 1;
      const auto draw = [&](double share) { return std::gamma_distribution(share * size + 1e-300)(random); };
      const double x = draw(only_a), y = draw(only_b), z = draw(1 - only_a - only_b);
      a = x / (x + y + z), b = y / (x + y + z);
    }
    PairedScore unit{.n = images};
    for (int i = 0; i < images; ++i) {
      const double drawn = std::uniform_real_distribution(0., 1.)(random);
      unit.only_a_right += drawn < a;
      unit.only_b_right += drawn >= a && drawn < a + b;
    }
    made.all.n += unit.n;
    made.all.only_a_right += unit.only_a_right;
    made.all.only_b_right += unit.only_b_right;
    made.units.push_back(unit);
  }
  return made;
}

double flips(const Simulated& made) {
  std::vector<int64_t> differences;
  for (const PairedScore& unit : made.units) differences.push_back(unit.only_b_right - unit.only_a_right);
  return sign_flip_p_value(differences);
}

TEST(Errors, of_mcnemars_test_are_at_most_5_percent_of_independent_images) {
  std::mt19937_64 random(1);
  for (const double share : {.005, .02, .1, .25}) {
    int wrong = 0;
    for (int test = 0; test < 2000; ++test) {
      const PairedScore all = simulate(random, 400, 1, share, share, 0).all;
      wrong += mcnemar_p_value(all.only_a_right, all.only_b_right) <= .05;
    }
    EXPECT_LE(wrong, 100) << share;
  }
}

// Why there is a test of units: equal models, 60 photographs in seven copies each.
TEST(Errors, of_copies_are_mcnemars_and_not_those_of_whole_units) {
  std::mt19937_64 random(2);
  int by_images = 0, by_units = 0;
  for (int test = 0; test < 1000; ++test) {
    const Simulated made = simulate(random, 60, 7, .08, .08, .8);
    by_images += mcnemar_p_value(made.all.only_a_right, made.all.only_b_right) <= .05;
    by_units += flips(made) <= .05;
  }
  EXPECT_LE(by_units, 50 + 14);  // 5% and two standard errors of 1,000 tests
  EXPECT_GT(by_images, 250);
}

// Whether the percentile bootstrap over whole units covers the difference; for docs/intervals.md.
bool bootstrap_covers(std::mt19937_64& random, const std::vector<PairedScore>& units, double truth) {
  std::vector<double> drawn;
  std::uniform_int_distribution<size_t> any(0, units.size() - 1);
  for (int sample = 0; sample < 1000; ++sample) {
    double sum = 0, n = 0;
    for (size_t u = 0; u < units.size(); ++u) {
      const PairedScore& unit = units[any(random)];
      sum += static_cast<double>(unit.only_b_right - unit.only_a_right);
      n += static_cast<double>(unit.n);
    }
    drawn.push_back(sum / n);
  }
  std::ranges::sort(drawn);
  return drawn[25] <= truth && truth <= drawn[974];
}

// MUDRA_COVERAGE=table prints the table of docs/intervals.md.
TEST(Errors, the_interval_covers_at_least_93_percent) {
  struct Setting {
    int units, images;
    double only_a, only_b, correlation, supposed;
  };
  const bool prints = std::getenv("MUDRA_COVERAGE") != nullptr;
  const int tests = 1000;
  for (const Setting& s : {Setting{5, 100, .06, .03, .05, .1},
                           {5, 1000, .02, .02, .02, .1},
                           {5, 100, .06, .03, .3, .1},
                           {10, 40, .1, .05, .1, .1},
                           {40, 20, .02, .01, .1, .1},
                           {100, 7, .05, .02, .8, 1},
                           {700, 7, .01, .003, .8, 1}}) {
    std::mt19937_64 random(3), resampling(4);
    int covered = 0, by_bootstrap = 0;
    for (int test = 0; test < tests; ++test) {
      const std::vector<PairedScore> units =
          simulate(random, s.units, s.images, s.only_a, s.only_b, s.correlation).units;
      const Interval interval = paired_units_interval(units, s.supposed);
      const double truth = s.only_b - s.only_a;
      covered += interval.low <= truth && truth <= interval.high;
      by_bootstrap += prints && bootstrap_covers(resampling, units, truth);
    }
    if (prints) {
      std::printf("| %d | %d | %g%% and %g%% | %g | %.1f | %.1f |\n", s.units, s.images, 100 * s.only_a,
                  100 * s.only_b, s.correlation, .1 * covered, .1 * by_bootstrap);
    }
    EXPECT_GE(covered, .93 * tests) << s.units << " of " << s.images;
  }
}

TEST(Errors, the_interval_of_independent_images_covers_at_least_93_percent) {
  for (const auto& [n, only_a, only_b] :
       {std::tuple(50, .1, .02), std::tuple(200, .01, .01), std::tuple(1000, .03, .01)}) {
    std::mt19937_64 random(4);
    int covered = 0;
    for (int test = 0; test < 2000; ++test) {
      const PairedScore all = simulate(random, n, 1, only_a, only_b, 0).all;
      const Interval interval = paired_interval(static_cast<double>(all.only_a_right),
                                                static_cast<double>(all.only_b_right), n, z95);
      covered += interval.low <= only_b - only_a && only_b - only_a <= interval.high;
    }
    EXPECT_GE(covered, .93 * 2000) << n;
  }
}

}  // namespace
}  // namespace mudra
