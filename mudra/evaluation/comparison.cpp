#include "mudra/evaluation/comparison.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <unordered_map>

#include "mudra/core/error.h"

namespace mudra {
namespace {

// What a unit's disagreement is taken to have in common before anything is known. Copies of one photograph
// are nearly one image; the accuracies of hands differ like correlations of .05 to .1 (docs/intervals.md).
constexpr double correlation_of_copies = 1, correlation_of_hands = 0.1;

void count_image(bool right_a, bool right_b, PairedScore& score) {
  ++score.n;
  score.right_a += right_a;
  score.right_b += right_b;
  score.only_a_right += right_a && !right_b;
  score.only_b_right += right_b && !right_a;
}

// Scores of the images with each number, in the order of the numbers; none for numbers that do not occur.
std::vector<PairedScore> scores_by(std::span<const int32_t> number, std::span<const uint8_t> right_a,
                                   std::span<const uint8_t> right_b, std::span<const std::string> names) {
  std::unordered_map<int32_t, size_t> place;
  std::vector<std::pair<int32_t, PairedScore>> found;
  for (size_t i = 0; i < number.size(); ++i) {
    const auto [at, added] = place.try_emplace(number[i], found.size());
    if (added) found.emplace_back(number[i], PairedScore{});
    count_image(right_a[i] != 0, right_b[i] != 0, found[at->second].second);
  }
  std::ranges::sort(found, {}, [](const auto& entry) { return entry.first; });
  std::vector<PairedScore> scores;
  for (auto& [index, score] : found) {
    if (!names.empty()) score.name = names[static_cast<size_t>(index)];
    scores.push_back(std::move(score));
  }
  return scores;
}

std::vector<int64_t> differences(std::span<const PairedScore> units) {
  std::vector<int64_t> found;
  for (const PairedScore& unit : units) found.push_back(unit.only_b_right - unit.only_a_right);
  return found;
}

// What is judged by units of a kind, "group" or "photograph".
void judge_by(std::span<const PairedScore> units, const std::string& kind, Comparison& result) {
  result.interval =
      paired_units_interval(units, kind == "group" ? correlation_of_hands : correlation_of_copies);
  result.interval.unit = kind;
  const std::vector<int64_t> of_units = differences(units);
  result.units_p_value = sign_flip_p_value(of_units);
  result.units_against = std::ranges::count_if(of_units, [](int64_t d) { return d != 0; });
}

}  // namespace

Comparison compare(std::span<const uint8_t> right_a, std::span<const uint8_t> right_b,
                   std::span<const int32_t> labels, std::span<const std::string> classes,
                   const IndependentUnits& units) {
  const auto fits = [&](size_t size) { return size == labels.size(); };
  if (!fits(right_a.size()) || !fits(right_b.size()) ||
      !(units.groups.empty() || fits(units.groups.size())) ||
      !(units.photographs.empty() || fits(units.photographs.size())))
    throw Error("there are not as many answers, labels and groups as images", "comparison");
  if (labels.empty()) throw Error("there is no image to compare by", "comparison");
  Comparison result;
  for (size_t i = 0; i < labels.size(); ++i) count_image(right_a[i] != 0, right_b[i] != 0, result.all);
  result.per_class = scores_by(labels, right_a, right_b, classes);
  result.groups = scores_by(units.groups, right_a, right_b, units.group_names);
  const PairedScore& all = result.all;
  result.p_value = mcnemar_p_value(all.only_a_right, all.only_b_right);
  const std::vector<PairedScore> photographs = scores_by(units.photographs, right_a, right_b, {});
  if (static_cast<int64_t>(result.groups.size()) >= least_groups) {
    judge_by(result.groups, "group", result);
    if (!photographs.empty()) result.photographs_p_value = sign_flip_p_value(differences(photographs));
  } else if (!photographs.empty()) {
    judge_by(photographs, "photograph", result);
  } else {
    result.interval = paired_interval(static_cast<double>(all.only_a_right),
                                      static_cast<double>(all.only_b_right), static_cast<double>(all.n), z95);
    result.units_p_value = result.p_value;  // each image is a unit
    result.units_against = all.only_a_right + all.only_b_right;
  }
  return result;
}

double mcnemar_p_value(int64_t only_a_right, int64_t only_b_right) {
  const int64_t n = only_a_right + only_b_right, fewer = std::min(only_a_right, only_b_right);
  if (2 * fewer == n) return 1;
  // From the likeliest number down, relative to its probability, so that nothing grows beyond a double.
  double term = 1, half = 0, tail = 0;
  for (int64_t i = n / 2; i >= 0 && term > 0; --i) {
    half += term;
    if (i <= fewer) tail += term;
    term *= static_cast<double>(i) / static_cast<double>(n - i + 1);
  }
  return std::min(1.0, 2 * tail / (2 * half - (n % 2 == 0 ? 1 : 0)));
}

double sign_flip_p_value(std::span<const int64_t> differences) {
  std::vector<int64_t> sizes;
  int64_t sum = 0, divisor = 0;
  for (const int64_t difference : differences) {
    sum += difference;
    divisor = std::gcd(divisor, difference);
    if (difference != 0) sizes.push_back(std::abs(difference));
  }
  if (sum == 0) return 1;
  std::ranges::sort(sizes);
  // Of every sum that some signs give: of how large a part of all signs. Place k is the sum k - reach, and
  // each unit moves what there is by its size up and down.
  std::vector<double> shares = {1};
  for (int64_t& size : sizes) {
    const auto step = static_cast<size_t>(size / divisor);
    std::vector<double> next(shares.size() + 2 * step);
    for (size_t k = 0; k < shares.size(); ++k) {
      next[k] += shares[k] / 2;
      next[k + 2 * step] += shares[k] / 2;
    }
    shares = std::move(next);
  }
  const size_t reach = shares.size() / 2, far = static_cast<size_t>(std::abs(sum) / divisor);
  double tail = 0;
  for (size_t k = shares.size(); k-- > reach + far;) tail += shares[k];
  return std::min(1.0, 2 * tail);
}

Interval paired_interval(double only_a_right, double only_b_right, double n, double z) {
  if (!(n > 0)) throw Error("no image to judge by", "interval");
  const double difference = (only_b_right - only_a_right) / n;
  // Whether the test at z refuses this difference. Its variance is with the likeliest probability `a` that
  // only A is right, under the condition that only B is with a + supposed.
  const auto is_refused = [&](double supposed) {
    const double linear = (2 * n - only_b_right + only_a_right) * supposed - only_a_right - only_b_right;
    const double constant = -only_a_right * supposed * (1 - supposed);
    const double a = (std::sqrt(std::max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n);
    const double off = only_b_right - only_a_right - n * supposed;
    return off * off > z * z * n * (2 * a + supposed * (1 - supposed));
  };
  const auto bound = [&](double inside, double outside) {
    if (!is_refused(outside)) return outside;
    for (int step = 0; step < 60; ++step) {
      const double middle = (inside + outside) / 2;
      (is_refused(middle) ? outside : inside) = middle;
    }
    return inside;
  };
  return {bound(difference, -1), bound(difference, 1), "score", "image", static_cast<int64_t>(n)};
}

Interval paired_units_interval(std::span<const PairedScore> units, double correlation) {
  const auto count = static_cast<double>(units.size());
  if (units.size() < 2) return {-1, 1, "score", "", static_cast<int64_t>(units.size())};
  double n = 0, sizes = 0, only_a = 0, only_b = 0;
  for (const PairedScore& unit : units) {
    n += static_cast<double>(unit.n);
    sizes += static_cast<double>(unit.n) * static_cast<double>(unit.n);
    only_a += static_cast<double>(unit.only_a_right);
    only_b += static_cast<double>(unit.only_b_right);
  }
  const double difference = (only_b - only_a) / n;
  double squares = 0;  // of what units add to the sum of differences beyond their share
  for (const PairedScore& unit : units) {
    const double beyond =
        static_cast<double>(unit.only_b_right - unit.only_a_right) - difference * static_cast<double>(unit.n);
    squares += beyond * beyond * count / (count - 1);
  }
  // The variance beside that of independent images (Rao and Scott 1992): so many images tell as much as one.
  const double supposed = 1 + (sizes / n - 1) * correlation;
  const double alike =
      std::max(1.0, (squares + supposed) / (only_a + only_b - n * difference * difference + 1));
  const int64_t freedom = static_cast<int64_t>(units.size()) - 1;
  Interval interval =
      paired_interval(only_a / alike, only_b / alike, n / alike, freedom < 1000 ? t_quantile(freedom) : z95);
  interval.independent = static_cast<int64_t>(units.size());
  return interval;
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return p_values[i]; });
  std::vector<double> adjusted(p_values.size());
  double highest = 0;
  for (size_t place = 0; place < order.size(); ++place) {
    highest = std::max(highest, p_values[order[place]] * static_cast<double>(order.size() - place));
    adjusted[order[place]] = std::min(1.0, highest);
  }
  return adjusted;
}

nlohmann::json to_json(const PairedScore& score) {
  return {{"name", score.name},
          {"n", score.n},
          {"accuracy_a", score.accuracy_a()},
          {"accuracy_b", score.accuracy_b()},
          {"difference", score.difference()},
          {"only_a_right", score.only_a_right},
          {"only_b_right", score.only_b_right}};
}

}  // namespace mudra
