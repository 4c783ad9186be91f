// Scores of a classification as scikit-learn 1.2.1 has them, each with its doubt.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/evaluation/ranking.h"
#include "mudra/evaluation/resampling.h"
#include "mudra/inference/answer.h"

namespace mudra {

// Of the images of one class, or of one class against all others.
struct ClassScores {
  Score top_2_accuracy;     // NaN without images of the class
  Score roc_auc;            // NaN without images of the class or without others
  Score average_precision;  // 0 without images of the class
  std::vector<CurvePoint> curve;
};

// A refusal is an answer of its own, which is never right, as scikit-learn has it when given one label more.
// Curves look at probabilities only, and refusals keep theirs.
struct Scores {
  std::string unit;         // what the intervals count: "group", "photograph", "image"
  int64_t units = 0;        // how many of them
  int64_t samples = 0;      // drawn from them
  Score balanced_accuracy;  // mean over the classes that occur of the share that is right
  Score cohen_kappa;        // -1..1; NaN where there is one class only, in truth and in answers
  Score matthews;           // -1..1; 0 where truth or answers are all the same
  Score top_2_accuracy;     // the truth is one of the two most probable classes; of equal ones the later wins
  Score roc_auc;            // mean over the classes; NaN where a class has no image, or all images
  Score average_precision;  // mean over the classes
  std::vector<ClassScores> per_class;  // K
};

// truth: N class numbers   answers: for N images; of K classes
Scores scores_of(std::span<const int32_t> truth, const Answers& answers, const Resampling& tests);

// The name of each score over all classes, as in JSON, and as people read it; top_2_accuracy is the last.
struct ScoreName {
  const char *key, *name;
  Score Scores::*score;
  bool is_share;  // 0..1, and so told in percent
};
std::span<const ScoreName> score_names();

// The images with one value of a column.
struct ValueScore {
  std::string value;
  int64_t n = 0, right = 0;
  Score accuracy;
};
struct ColumnScores {
  std::string column;
  std::vector<ValueScore> values;  // those that occur, worst first
};

// right: N, 1 where the answer is right
ColumnScores scores_by(const Column& column, std::span<const uint8_t> right, const Resampling& tests);

// {value, interval: [low, high]}; both null where the score is undefined.
nlohmann::json to_json(const Score& score);
// {interval_unit, interval_units, samples, balanced_accuracy: {value, interval}, and so on}
nlohmann::json to_json(const Scores& scores);
// {top_2_accuracy, roc_auc, average_precision: {value, interval},
//  curve: {threshold, recall, false_positive_rate, precision}: lists of the same length, thinned by .001;
//  the first threshold is null: above all}
nlohmann::json to_json(const ClassScores& scores);
// [{value, n, right, accuracy, interval}]
nlohmann::json to_json(const ColumnScores& scores);

}  // namespace mudra
