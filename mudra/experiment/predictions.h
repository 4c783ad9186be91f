// Every answer of a test as a table for people and spreadsheets.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
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

}  // namespace mudra
