// What a set of predictions is worth: confusion matrix, scores per class, accuracy with its doubt.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "mudra/evaluation/interval.h"

namespace mudra {

// Scores of one class; a ratio whose denominator is 0 is 0. Recall is the accuracy within the class.
struct ClassScores {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  int64_t support = 0;  // images that truly are of this class
};

struct Evaluation {
  int64_t n = 0;
  double accuracy = 0;
  Interval interval;                   // 95% interval of the accuracy
  std::vector<std::string> classes;    // K
  std::vector<int64_t> confusion;      // [K, K]: rows true, columns predicted
  std::vector<ClassScores> per_class;  // K
  std::string text;                    // the classification report of the classes that occur

  int64_t count(size_t truth, size_t predicted) const {
    return confusion[truth * classes.size() + predicted];
  }
};

// `truth` and `predicted` hold N >= 1 indices into `classes`. `units` says which images are not
// independent of each other. Throws Error when lengths differ or an index is out of range.
Evaluation evaluate(std::span<const int32_t> truth, std::span<const int32_t> predicted,
                    std::span<const std::string> classes, const IndependentUnits& units = {});

// [K, K] counts, rows true, columns predicted.
std::vector<int64_t> confusion_matrix(std::span<const int32_t> truth, std::span<const int32_t> predicted,
                                      size_t classes);

// One row per class of a [K, K] matrix.
std::vector<ClassScores> class_scores(std::span<const int64_t> confusion);

// {n, accuracy, interval: [low, high], interval_method, interval_unit, interval_units, labels,
//  confusion: [[...]], per_class: [{label, precision, recall, f1, support}], text}
nlohmann::json to_json(const Evaluation& evaluation);

}  // namespace mudra
