#include "mudra/evaluation/interval.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"

namespace mudra {
namespace {

constexpr double z95 = 1.959963984540054;  // normal quantile of 0.975

struct Unit {
  int64_t images = 0;
  int64_t right = 0;
};

// Units in order of first appearance.
std::vector<Unit> gather(std::span<const uint8_t> right, std::span<const int32_t> unit) {
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

}  // namespace

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
  if (right.empty()) throw Error("no image to judge by", "interval");
  if (right.size() != unit.size()) throw Error("there are not as many groups as images", "interval");
  const std::vector<Unit> units = gather(right, unit);
  const auto count = static_cast<int64_t>(units.size());
  if (count == 1) return {0, 1, "bootstrap", "group", 1};

  const auto successes = std::ranges::count_if(right, [](uint8_t value) { return value != 0; });
  if (successes == 0 || successes == static_cast<int64_t>(right.size())) {
    Interval interval =
        wilson_interval(successes == 0 ? 0 : static_cast<double>(count), static_cast<double>(count));
    interval.unit = "group";
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
  return {quantile(shares, 0.025), quantile(shares, 0.975), "bootstrap", "group", count};
}

Interval accuracy_interval(std::span<const uint8_t> right, const IndependentUnits& units) {
  const std::set<int32_t> groups(units.groups.begin(), units.groups.end());
  if (groups.size() < enough_groups && !units.photographs.empty()) {
    Interval interval = bootstrap_interval(right, units.photographs, units.seed);
    interval.unit = "photograph";
    return interval;
  }
  if (!units.groups.empty()) return bootstrap_interval(right, units.groups, units.seed);
  const auto successes = std::ranges::count_if(right, [](uint8_t value) { return value != 0; });
  return wilson_interval(static_cast<double>(successes), static_cast<double>(right.size()));
}

}  // namespace mudra
