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
  std::string method;       // "wilson", "bootstrap", "t, beta-binomial" or "score"
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

// Fewer hands say nothing of the next one.
inline constexpr int64_t least_groups = 3;

inline constexpr double z95 = 1.959963984540054;  // normal quantile of 0.975
double t_quantile(int64_t freedom);               // Student's t, quantile of 0.975; freedom >= 1

// Wilson 1927: interval of a proportion, `successes` of `trials` (real numbers, trials > 0).
Interval wilson_interval(double successes, double trials);

// Percentile bootstrap of the share of `right` images: draws whole units with replacement. When all units
// have the same share, resampling cannot vary: Wilson over the units then. One unit alone says nothing about
// another: the interval is then [0, 1].
Interval bootstrap_interval(std::span<const uint8_t> right, std::span<const int32_t> unit, uint64_t seed,
                            int resamples = 10000);

// Of the accuracy on more pictures of the hands tested: bootstrap by photograph where they are known, Wilson
// over images otherwise.
Interval accuracy_interval(std::span<const uint8_t> right, const IndependentUnits& units);

// Of the expected accuracy over hands: the mean over all the hands there might be of each one's accuracy, as
// far as the hands tested tell. Spans two intervals, each of which misses where the other does not:
//   Student's t over the hands' accuracies, too narrow where hands that fail are rare and none was tested;
//   the middle 85% of what a beta-binomial model holds likely, with every mean and every doubling of the
//   correlation within a hand from .01 to .64 as likely before.
// docs/intervals.md has its coverage. [0, 1] below `least_groups` hands.
Interval new_hand_interval(std::span<const uint8_t> right, std::span<const int32_t> group);

}  // namespace mudra
