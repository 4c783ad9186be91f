// Runs beside each other, on the images that all of them tested: plain values, in words and in JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mudra/evaluation/comparison.h"
#include "mudra/experiment/options.h"
#include "mudra/experiment/predictions.h"

namespace mudra {

struct ComparedRun {
  std::string name;  // as it was asked for
  double accuracy = 0;
  Interval interval;        // accuracy_interval()
  int64_t tested = 0;       // images, those that others did not test among them
  Predictions predictions;  // of the images that all tested, in one order
};

struct RunPair {
  size_t a = 0, b = 0;  // places among the runs
  Comparison comparison;
  // Both p-values after Holm, over all pairs: what they are themselves where there is one pair.
  double p_value_holm = 1, units_p_value_holm = 1;
};

// An option that is not the same in all runs.
struct DifferingOption {
  std::string name;
  std::vector<std::string> texts;  // one a run; of a file of predictions, which has no options, empty
};

struct ComparedRuns {
  int64_t n = 0;                  // images that all tested
  std::vector<ComparedRun> runs;  // two or more
  std::vector<RunPair> pairs;     // each with each, A before B as they were asked for
  std::vector<DifferingOption> options;
};

// "B is better than A: right on 98.2% against 97.1%, 1.1 points more (95% interval 0.4 to 1.8, p = 0.003 by
// 700 photographs)"; that it may be, where the interval says so and the p-value does not; or that the runs
// cannot be told apart. Judged at 0.05, after Holm.
std::string verdict(const ComparedRuns& compared, const RunPair& pair);

// What stands behind the verdict: which p-value to cite and why, that the images are not those of a whole
// test, that too few units differ for any test to tell. One sentence or two each.
std::vector<std::string> remarks(const ComparedRuns& compared);

// Percentage points, "1.1" of 0.0112; the second with a sign unless they are 0.
std::string points(double share);
std::string signed_points(double share);
std::string p_text(double p_value);  // "p = 0.003", "p < 0.0001"
// "+1.1 points (0.4 to 1.8)": a difference and its interval.
std::string difference_text(const Comparison& comparison);

// {n, runs: [{run, accuracy, interval: [low, high], interval_unit, tested}],
//  pairs: [{a, b, difference, interval: [low, high], interval_unit, interval_units, p_value, units_p_value,
//           photographs_p_value, only_a_right, only_b_right, per_class, groups, verdict; with more than one
//           pair p_value_holm and units_p_value_holm}],
//  options: {name: [texts]}, remarks}
// `difference` is the accuracy of b less that of a; a and b name runs. `per_class` and `groups` are lists of
// to_json(PairedScore).
nlohmann::json to_json(const ComparedRuns& compared);

}  // namespace mudra
