// A trained model tested on labelled images.
#pragma once

#include "mudra/experiment/experiment.h"
#include "mudra/experiment/load_data.h"

namespace mudra {

struct ModelTest {
  Model model;
  Dataset data;
  std::string data_text;
  Answers answers;  // for every image
  Evaluation evaluation;
  Seconds seconds;
};

// Tests a model on the data that the options name. Throws Error.
ModelTest test_model(Model model, const DataOptions& options, uint64_t seed, const RunOptions& run,
                     const Progress& progress = {});

}  // namespace mudra
