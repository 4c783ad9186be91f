// What a set of predictions is worth: confusion matrix, scores per class, accuracy with its doubt. Values in,
// values out, from as many threads as wanted.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/evaluation/classification_report.h"
#include "mudra/evaluation/interval.h"
#include "mudra/evaluation/scores.h"
#include "mudra/inference/answer.h"

namespace mudra {

// Of the images of one hand or signer.
struct GroupScore {
  std::string name;
  int64_t n = 0, right = 0;
  double accuracy() const { return static_cast<double>(right) / static_cast<double>(n); }
};

// What a hand that was not tested may expect.
struct NewGroup {
  double accuracy = 0;  // the mean of the groups' accuracies
  Interval interval;    // new_hand_interval(); [0, 1] when there are too few groups to say
};

// What a model that may refuse refused or answered with its class for none of these, and what its other
// answers are worth.
struct Refusals {
  int64_t refused = 0;   // images
  Interval interval;     // 95% interval of their share
  int64_t answered = 0;  // images it named a sign for
  int64_t right = 0;     // of those
  double accuracy = 0;   // right of those answered; 0, with the interval [0, 1], when there are none
  Interval accuracy_interval;
};

struct Evaluation {
  int64_t n = 0, right = 0;
  int64_t refused = 0;  // images the model called none of its classes; they count as not right
  double accuracy = 0;
  Interval interval;                  // 95% interval of the accuracy, for these hands
  std::optional<Refusals> refusals;   // when the model may refuse
  std::optional<NewGroup> new_group;  // when groups are known, and none of them may have been in training
  std::vector<std::string> classes;   // K
  std::vector<int64_t> confusion;     // [K, K]: rows true, columns predicted; without the images refused
  std::vector<ReportRow> per_class;   // K
  std::vector<GroupScore> groups;     // worst first; empty when groups are not known
  Scores scores;                      // by answers and probabilities
  std::vector<ColumnScores> by;       // one for each column asked for
  std::string text;                   // the classification report of the classes that occur

  int64_t count(size_t truth, size_t predicted) const {
    return confusion[truth * classes.size() + predicted];
  }
  int64_t refused_of(size_t truth) const;  // images of this class
};

// `truth` holds N >= 1 indices into `classes`, `answers` are for the same images and classes; a label among
// them may be `refused`. `units` says which images are not independent of each other, `columns` by what else
// to tell the accuracy, `may_refuse` that a model without refusals could have refused, `none` which class is
// that of images without a sign. Throws Error when lengths differ or an index is out of range.
Evaluation evaluate(std::span<const int32_t> truth, const Answers& answers,
                    std::span<const std::string> classes, const IndependentUnits& units = {},
                    std::span<const Column> columns = {}, bool may_refuse = false, int32_t none = refused);

// What a data set tells of its images' independence; it must outlive the result.
IndependentUnits units_of(const Dataset& data, uint64_t seed);

// [K, K] counts, rows true, columns predicted; refused images are in none.
std::vector<int64_t> confusion_matrix(std::span<const int32_t> truth, std::span<const int32_t> predicted,
                                      size_t classes);
// The same counts as JSON, a list for each row.
nlohmann::json confusion_rows(std::span<const int64_t> confusion, size_t classes);

// {n, refused: the share, refused_images, refused_interval: null or [low, high],
//  answered: null or {n, accuracy, interval: [low, high]}, accuracy_answered: null where nothing was
//  answered, accuracy, interval: [low, high], interval_method, interval_unit, interval_units, labels,
//  new_group: null or {accuracy, interval: [low, high], interval_method, groups},
//  confusion: [[...]], per_class: [{label, precision, recall, f1, support, and those of ClassScores}],
//  groups: [{group, n, right, accuracy}], scores, by: {COLUMN: [{value, n, right, accuracy, interval}]},
//  text}
nlohmann::json to_json(const Evaluation& evaluation);

// Share of the images of the most frequent class: what always giving one answer would get right.
struct Baseline {
  size_t answer = 0;  // index into the classes
  double share = 0;
};
Baseline baseline(const Evaluation& evaluation);

// What the numbers themselves warn of, each with what to try next.
std::vector<std::string> warnings_of(const Evaluation& evaluation);

}  // namespace mudra
