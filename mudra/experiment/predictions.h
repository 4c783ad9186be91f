// Every answer of a test as a table for people and spreadsheets, and for comparing models.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/inference/answer.h"

namespace mudra {

// Writes a CSV with the columns
//   row, file, group, photograph, fold, label, answer, confidence, and p_NAME for each class
// and one line for each answer, in the order of the source. `row` counts from 0 in the source, before classes
// were left out; `label` and `answer` are names, the answer empty when the model refused; `fold` is the name
// of the fold that tested the image. What is not known is empty. No cell is a spreadsheet's formula (csv.h).
//   rows: of `data`, one for each answer   folds: whose test parts are `rows`, one after the other; or none
// Throws Error when the file cannot be written.
void write_predictions(const Dataset& data, std::span<const Row> rows, std::span<const Fold> folds,
                       const Answers& answers, const std::filesystem::path& path);

// What such a file tells of N images.
struct Predictions {
  std::vector<std::string> classes;      // K
  std::vector<Row> rows;                 // N: in the source
  std::vector<std::string> files;        // N, or empty when none is known
  std::vector<std::string> group_names;  // as those of a Dataset
  std::vector<int32_t> groups;           // N, or empty
  std::vector<int32_t> photographs;      // N, or empty
  std::vector<std::string> folds;        // N names, or empty when there is one fold
  std::vector<int32_t> labels;           // N indices into classes
  Answers answers;                       // N

  std::vector<uint8_t> right() const;  // N: 1 where the answer is the label
};

// Throws Error, which names the line, when it is no such file, or damaged.
Predictions read_predictions(const std::filesystem::path& path);

// `seed`: of the resampling. Says nothing of new hands, for training may have seen these.
Evaluation evaluate(const Predictions& predictions, uint64_t seed);

}  // namespace mudra
