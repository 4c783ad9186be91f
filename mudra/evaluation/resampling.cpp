#include "mudra/evaluation/resampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"

namespace mudra {
namespace {

constexpr size_t most_heaps = 1024;
constexpr uint32_t of_scores = 1, of_heaps = 2;  // streams of Purpose::bootstrap, beside interval.cpp's 0

// In order of first appearance.
std::pair<std::vector<uint32_t>, size_t> numbered(std::span<const int32_t> unit) {
  std::vector<uint32_t> numbers;
  numbers.reserve(unit.size());
  std::unordered_map<int32_t, uint32_t> place;
  for (const int32_t each : unit)
    numbers.push_back(place.try_emplace(each, static_cast<uint32_t>(place.size())).first->second);
  return {std::move(numbers), place.size()};
}

size_t blocks_for(size_t images, size_t classes) {
  constexpr size_t work = size_t{1} << 28, most = 1024, least = 208;
  return std::clamp(work / (images * classes), least, most) / Resampling::lanes;
}

}  // namespace

Resampling::Resampling(size_t images, size_t classes, const IndependentUnits& units) {
  for (const auto& known : {units.groups, units.photographs}) {
    if (!known.empty() && known.size() != images)
      throw Error("there are not as many groups or photographs as images", "evaluation");
  }
  std::tie(number_, heaps_) = numbered(units.groups);
  unit_ = "group";
  if (heaps_ < static_cast<size_t>(least_groups)) {
    std::tie(number_, heaps_) = numbered(units.photographs);
    unit_ = "photograph";
  }
  if (heaps_ == 0) {
    number_.resize(heaps_ = images);
    std::iota(number_.begin(), number_.end(), uint32_t{0});
    unit_ = "image";
  }
  units_ = static_cast<int64_t>(heaps_);
  std::vector<uint16_t> heap_of_unit(heaps_);
  for (size_t unit = 0; unit < heaps_; ++unit) heap_of_unit[unit] = static_cast<uint16_t>(unit % most_heaps);
  if (heaps_ > most_heaps) {
    Rng(units.seed, Purpose::bootstrap, of_heaps).shuffle(std::span(heap_of_unit));
    heaps_ = most_heaps;
  }
  heap_.resize(images);
  std::ranges::transform(number_, heap_.begin(), [&](uint32_t unit) { return heap_of_unit[unit]; });
  const size_t blocks = blocks_for(images, classes);
  counts_.resize(blocks * heaps_);
  for (size_t heap = 0; heap < heaps_; ++heap) counts_[heap][0] = 1;
  for (size_t sample = 1; sample < blocks * lanes; ++sample) {
    Rng rng(units.seed, Purpose::bootstrap, of_scores, sample);
    Counts* const block = &counts_[sample / lanes * heaps_];
    // Rng::below() is exactly even, and slow; here no heap is likelier than another by more than 2e-6.
    for (size_t draw = 0; draw < heaps_; ++draw) ++block[uint64_t{rng.bits()} * heaps_ >> 32][sample % lanes];
  }
}

Resampling::Resampling(std::span<const int32_t> unit, size_t units,
                       std::span<const std::vector<int32_t>> draws)
    : unit_("group"),
      units_(static_cast<int64_t>(units)),
      heaps_(units),
      number_(unit.begin(), unit.end()),
      heap_(number_.begin(), number_.end()),
      counts_((draws.size() + 1 + lanes - 1) / lanes * units) {
  for (size_t heap = 0; heap < heaps_; ++heap) counts_[heap][0] = 1;
  for (size_t sample = 1; sample <= draws.size(); ++sample) {
    for (const int32_t drawn : draws[sample - 1])
      ++counts_[sample / lanes * heaps_ + static_cast<size_t>(drawn)][sample % lanes];
  }
}

Resampling::Units Resampling::units_with(std::span<const int32_t> kind, size_t kinds) const {
  std::vector<std::pair<uint32_t, int32_t>> seen;
  for (size_t i = 0; i < kind.size(); ++i) seen.emplace_back(number_[i], kind[i]);
  std::ranges::sort(seen);
  const auto repeated = std::ranges::unique(seen);
  seen.erase(repeated.begin(), repeated.end());
  Units found{std::vector<int64_t>(kinds), std::vector<int64_t>(kinds, units_), {}, {}};
  for (size_t i = 0; i < seen.size(); ++i) {
    const auto of = static_cast<size_t>(seen[i].second);
    ++found.with[of];
    const bool is_first = i == 0 || seen[i - 1].first != seen[i].first;
    const bool is_last = i + 1 == seen.size() || seen[i + 1].first != seen[i].first;
    if (is_first && is_last) --found.with_others[of];
  }
  found.alone = found.with;
  std::vector<int64_t> others = found.with_others;
  if (unit_ == "group") {
    found.alone.assign(kinds, 0);
    for (const int32_t of : kind) ++found.alone[static_cast<size_t>(of)];
    for (size_t of = 0; of < kinds; ++of) others[of] = static_cast<int64_t>(kind.size()) - found.alone[of];
  }
  for (size_t of = 0; of < kinds; ++of)
    found.alone_or_others.push_back(std::min(found.alone[of], others[of]));
  return found;
}

Score score_of(std::span<const double> samples, int64_t units, double lowest, double highest,
               double mistake) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), alike = 1e-9;
  const double value = samples[0], range = highest - lowest;
  if (std::isnan(value)) return {nan, nan, nan};
  double sum = 0, squares = 0, defined = 0;
  for (const double sample : samples.subspan(1)) {
    if (std::isnan(sample)) continue;
    const double off = (sample - value) / range;  // small numbers lose no digits
    sum += off;
    squares += off * off;
    ++defined;
  }
  if (units < 2 || 2 * defined < static_cast<double>(samples.size())) return {value, lowest, highest};
  const auto count = static_cast<double>(units);
  // Samples of m units vary less than tests of m new ones, by (m - 1) / m.
  const double variance = (squares - sum * sum / defined) / (defined - 1) * count / (count - 1);
  const double deviation = std::sqrt(std::max(0.0, variance)), share = (value - lowest) / range;
  if (deviation < alike || share <= 0 || share >= 1) {
    const Interval wilson = wilson_interval(std::clamp(share, 0.0, 1.0) * count, count);
    return {value, lowest + range * wilson.low, lowest + range * wilson.high};
  }
  const auto bound = [&](double moved, double sign) {
    const double at = share + sign * moved, spread = std::hypot(deviation, moved);
    // Odds of that spread, were their logarithm normally distributed.
    const double half = t_quantile(units - 1) * std::sqrt(std::log1p(std::pow(spread / (at * (1 - at)), 2)));
    return lowest + range / (1 + std::exp(-std::log(at / (1 - at)) - sign * half));
  };
  return {value, bound(mistake * share, -1), bound(mistake * (1 - share), 1)};
}

}  // namespace mudra
