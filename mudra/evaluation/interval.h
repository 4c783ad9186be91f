// How far an accuracy may be off: 95% intervals.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mudra {

struct Interval {
  double low = 0;
  double high = 1;
  std::string method;       // "wilson" or "bootstrap"
  std::string unit;         // what is independent: "image", "group", "photograph"
  int64_t independent = 0;  // how many of them
};

// Which images belong together, where that is known: seven rotations of one photograph are one
// observation. Both hold one number per image (equal: same unit), or are empty.
struct IndependentUnits {
  std::span<const int32_t> groups{};       // hand or signer
  std::span<const int32_t> photographs{};  // picture an image was made from
  uint64_t seed = 1;                       // of the resampling
  std::span<const std::string> group_names{};
};

// Below this many groups, resampling them says little and photographs are resampled where known.
inline constexpr size_t enough_groups = 10;

// Wilson 1927: interval of a proportion, `successes` of `trials` (real numbers, trials > 0).
Interval wilson_interval(double successes, double trials);

// Percentile bootstrap of the share of `right` images: draws whole units with replacement. When every
// image is right, or none, resampling cannot vary: Wilson over the units then. One unit alone says
// nothing about another: the interval is then [0, 1].
Interval bootstrap_interval(std::span<const uint8_t> right, std::span<const int32_t> unit, uint64_t seed,
                            int resamples = 10000);

// The one that fits what is known: bootstrap by group, by photograph below `enough_groups` groups,
// Wilson over images when neither is known.
Interval accuracy_interval(std::span<const uint8_t> right, const IndependentUnits& units);

}  // namespace mudra
