#include "mudra/evaluation/interval.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <unordered_map>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"

namespace mudra {
namespace {

struct Unit {
  int64_t images = 0;
  int64_t right = 0;
  double share() const { return static_cast<double>(right) / static_cast<double>(images); }
  auto operator<=>(const Unit&) const = default;
};

// Units in order of first appearance.
std::vector<Unit> gather(std::span<const uint8_t> right, std::span<const int32_t> unit) {
  if (right.empty()) throw Error("no image to judge by", "interval");
  if (right.size() != unit.size()) throw Error("there are not as many groups as images", "interval");
  std::vector<Unit> units;
  std::unordered_map<int32_t, size_t> place;
  for (size_t i = 0; i < right.size(); ++i) {
    const auto [at, added] = place.try_emplace(unit[i], units.size());
    if (added) units.emplace_back();
    units[at->second].images += 1;
    units[at->second].right += right[i] ? 1 : 0;
  }
  return units;
}

// Linear interpolation between order statistics, as numpy.percentile.
double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Over the units' shares; of no width when they are all the same.
Interval t_interval(std::span<const Unit> units) {
  const auto count = static_cast<double>(units.size());
  double mean = 0, squares = 0;
  for (const Unit& unit : units) mean += unit.share() / count;
  for (const Unit& unit : units) squares += (unit.share() - mean) * (unit.share() - mean);
  const double half =
      t_quantile(static_cast<int64_t>(units.size()) - 1) * std::sqrt(squares / (count - 1) / count);
  return {std::max(0.0, mean - half), std::min(1.0, mean + half), {}, {}, 0};
}

double log_gamma(double x) {
  int sign = 0;  // std::lgamma keeps it in a global, which threads would share
  return ::lgamma_r(x, &sign);
}

// The middle 85% of the mean's probability, given the units, each right on a share of its images that is
// drawn from Beta(mean * size, (1 - mean) * size), with size = 1 / correlation - 1.
Interval beta_binomial_interval(std::span<const Unit> units) {
  constexpr double outside = 0.075;
  // Of the mean, sin^2 of even steps: finer towards 0 and 1. Many hands tell it more closely.
  const auto steps = static_cast<int>(std::clamp<size_t>(8 * units.size(), 64, 1024));
  constexpr std::array correlations = {.01, .02, .04, .08, .16, .32, .64};
  std::map<Unit, double> times;
  for (const Unit& unit : units) ++times[unit];
  const auto mean_at = [&](double step) {
    const double sine = std::sin(step / steps * std::numbers::pi / 2);
    return sine * sine;
  };
  std::vector<double> logs;  // of probabilities, up to a factor
  for (int step = 0; step < steps; ++step) {
    const double mean = mean_at(step + 0.5), width = std::sqrt(mean * (1 - mean));
    for (const double correlation : correlations) {
      const double size = 1 / correlation - 1, a = mean * size, b = size - a;
      const double once = log_gamma(size) - log_gamma(a) - log_gamma(b);
      double sum = std::log(width);
      for (const auto& [unit, count] : times) {
        const auto right = static_cast<double>(unit.right), images = static_cast<double>(unit.images);
        sum +=
            count * (once + log_gamma(a + right) + log_gamma(b + images - right) - log_gamma(size + images));
      }
      logs.push_back(sum);
    }
  }
  const double highest = std::ranges::max(logs);
  std::vector<double> below = {0};  // probability below each step
  for (size_t i = 0; i < logs.size(); i += correlations.size()) {
    below.push_back(below.back());
    for (size_t k = 0; k < correlations.size(); ++k) below.back() += std::exp(logs[i + k] - highest);
  }
  const auto quantile_of = [&](double share) {
    const double wanted = share * below.back();
    const auto above = std::ranges::upper_bound(below, wanted);
    const double step = static_cast<double>(above - below.begin()) - 1;
    return mean_at(step + (wanted - above[-1]) / (above[0] - above[-1]));
  };
  return {quantile_of(outside), quantile_of(1 - outside), {}, {}, 0};
}

}  // namespace

double t_quantile(int64_t freedom) {
  // Abramowitz and Stegun 26.7.3 and 26.7.4 give the probability of [-t, t].
  const auto degrees = static_cast<double>(freedom);
  const auto within = [&](double t) {
    const double angle = std::atan(t / std::sqrt(degrees)), cosine = std::cos(angle);
    const bool is_odd = freedom % 2 == 1;
    double term = is_odd ? cosine : 1, sum = freedom == 1 ? 0 : term;
    for (int64_t k = is_odd ? 3 : 2; k < freedom; k += 2) {
      const auto whole = static_cast<double>(k);
      sum += term *= (whole - 1) / whole * cosine * cosine;
    }
    return is_odd ? 2 / std::numbers::pi * (angle + std::sin(angle) * sum) : std::sin(angle) * sum;
  };
  double low = 0, high = 16;
  for (int step = 0; step < 60; ++step) (within((low + high) / 2) < 0.95 ? low : high) = (low + high) / 2;
  return low;
}

Interval wilson_interval(double successes, double trials) {
  if (!(trials > 0)) throw Error("no image to judge by", "interval");
  const double share = successes / trials;
  const double centre = (share + z95 * z95 / (2 * trials)) / (1 + z95 * z95 / trials);
  const double half = z95 / (1 + z95 * z95 / trials) *
                      std::sqrt(share * (1 - share) / trials + z95 * z95 / (4 * trials * trials));
  // At 0 and 1 the bound is exact; rounding must not move it.
  return {successes <= 0 ? 0 : std::max(0.0, centre - half),
          successes >= trials ? 1 : std::min(1.0, centre + half), "wilson", "image",
          static_cast<int64_t>(trials)};
}

Interval bootstrap_interval(std::span<const uint8_t> right, std::span<const int32_t> unit, uint64_t seed,
                            int resamples) {
  const std::vector<Unit> units = gather(right, unit);
  const auto count = static_cast<int64_t>(units.size());
  if (count == 1) return {0, 1, "bootstrap", "photograph", 1};
  const double share = units.front().share();
  if (std::ranges::all_of(units, [&](const Unit& each) { return each.share() == share; })) {
    const auto independent = static_cast<double>(count);
    Interval interval = wilson_interval(share * independent, independent);
    interval.unit = "photograph";
    return interval;
  }
  std::vector<double> shares(static_cast<size_t>(resamples));
  for (size_t sample = 0; sample < shares.size(); ++sample) {
    Rng rng(seed, Purpose::bootstrap, 0, sample);
    Unit sum;
    for (int64_t draw = 0; draw < count; ++draw) {
      const Unit& drawn = units[rng.below(static_cast<uint64_t>(count))];
      sum.images += drawn.images;
      sum.right += drawn.right;
    }
    shares[sample] = static_cast<double>(sum.right) / static_cast<double>(sum.images);
  }
  std::ranges::sort(shares);
  return {quantile(shares, 0.025), quantile(shares, 0.975), "bootstrap", "photograph", count};
}

Interval accuracy_interval(std::span<const uint8_t> right, const IndependentUnits& units) {
  if (!units.groups.empty() && units.groups.size() != right.size())
    throw Error("there are not as many groups as images", "interval");
  if (!units.photographs.empty()) return bootstrap_interval(right, units.photographs, units.seed);
  const auto successes = std::ranges::count_if(right, [](uint8_t value) { return value != 0; });
  return wilson_interval(static_cast<double>(successes), static_cast<double>(right.size()));
}

Interval new_hand_interval(std::span<const uint8_t> right, std::span<const int32_t> group) {
  const std::vector<Unit> hands = gather(right, group);
  Interval interval = {0, 1, "t, beta-binomial", "group", static_cast<int64_t>(hands.size())};
  if (interval.independent < least_groups) return interval;
  const Interval by_t = t_interval(hands), by_model = beta_binomial_interval(hands);
  interval.low = std::min(by_t.low, by_model.low);
  interval.high = std::max(by_t.high, by_model.high);
  return interval;
}

}  // namespace mudra
