// Is B better than A? Two models that were asked about the same images. Values in, values out, from as many
// threads as wanted. docs/comparing.md teaches it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mudra/evaluation/interval.h"

namespace mudra {

// What two models made of the same images.
struct PairedScore {
  std::string name{};  // of a class or group; empty for all images
  int64_t n = 0, right_a = 0, right_b = 0;
  int64_t only_a_right = 0, only_b_right = 0;

  double accuracy_a() const { return static_cast<double>(right_a) / static_cast<double>(n); }
  double accuracy_b() const { return static_cast<double>(right_b) / static_cast<double>(n); }
  // Of B over A, -1 to 1.
  double difference() const {
    return static_cast<double>(only_b_right - only_a_right) / static_cast<double>(n);
  }
};

struct Comparison {
  PairedScore all;
  Interval interval;          // 95%, of the difference; its unit is the one of units_p_value
  double p_value = 1;         // mcnemar_p_value(): as if every image were independent
  double units_p_value = 1;   // sign_flip_p_value() of the interval's units: the one to cite
  int64_t units_against = 0;  // units in which one of the models has more right than the other
  // The same of photographs where groups are the units and photographs are known, too: it speaks for more
  // pictures of these groups only.
  std::optional<double> photographs_p_value;
  std::vector<PairedScore> per_class;  // of the classes that occur
  std::vector<PairedScore> groups;     // of the groups that occur; empty when they are not known
};

// `right_a` and `right_b` say of each of N >= 1 images whether a model was right; `labels` index `classes`.
// What is independent of each other is a group when at least `least_groups` are known, else a photograph
// where those are known, else an image. Throws Error when lengths differ or there is no image.
Comparison compare(std::span<const uint8_t> right_a, std::span<const uint8_t> right_b,
                   std::span<const int32_t> labels, std::span<const std::string> classes,
                   const IndependentUnits& units);

// McNemar's exact test: the probability that of the images on which just one of two equally good models is
// right, all independent, the numbers differ by so much or more. Two-sided binomial, 1 when they are equal.
double mcnemar_p_value(int64_t only_a_right, int64_t only_b_right);

// The exact permutation test of whole units: each unit's difference, images that only B has right less those
// that only A has, might as well have had the other sign. The probability that their sum is as far from 0 or
// farther, over all choices of signs. Of differences of 1 and -1 alone it is McNemar's. Takes time by the
// number of units times the sum of the differences' sizes.
double sign_flip_p_value(std::span<const int64_t> differences);

// Tango's 1998 score interval of a difference between paired proportions, by the normal quantile z: as wide
// as z^2 / (n + z^2) to both sides when there is no disagreement at all. Numbers may be fractions; n > 0.
Interval paired_interval(double only_a_right, double only_b_right, double n, double z);

// The same where images of one unit are alike: Tango's of as many images as would tell as much if they were
// independent, by Student's t. How much less images tell follows from the units themselves, and from one
// image more of disagreement with `correlation` to the others of its unit. One unit alone tells nothing: [-1,
// 1]. `units` holds n, only_a_right and only_b_right of each.
Interval paired_units_interval(std::span<const PairedScore> units, double correlation);

// p-values of several tests such that all of them may be believed together (Holm 1979).
std::vector<double> holm(std::span<const double> p_values);

// {name, n, accuracy_a, accuracy_b, difference, only_a_right, only_b_right}
nlohmann::json to_json(const PairedScore& score);

}  // namespace mudra
