// A trained model tested on labelled images.
#pragma once

#include <filesystem>

#include "mudra/data/dataset.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/evaluation/predict.h"
#include "mudra/run/train_run.h"

namespace mudra {

struct ModelTest {
  Options options;
  std::filesystem::path file;  // of the model
  Model model;
  Dataset data;
  std::string data_text;
  Answers answers;  // for every image
  Evaluation evaluation;
  Seconds seconds;
};

// Tests the model in `file` on options.data. Throws Error.
ModelTest evaluate_run(const Options& options, const std::filesystem::path& file);

}  // namespace mudra
