// What a report tells of an experiment or of a test.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "mudra/experiment/experiment.h"
#include "mudra/experiment/model_test.h"
#include "mudra/report/run_record.h"

namespace mudra {

// "800 to train, 200 held out, random, seed 1"
std::string describe_split(const Split& split);

// `result` may be moved in: its answers are large. `folder`: of the run; `threads`: that trained;
// `near_copies`: held-out images with a near copy in training, if they were looked for.
RunRecord make_record(const Experiment& experiment, ExperimentResult result,
                      const std::filesystem::path& folder, int threads, std::optional<int64_t> near_copies);

// `options`: those the test was asked with; `file`: the model's.
RunRecord make_record(const ModelTest& test, const Options& options, const std::filesystem::path& file);

}  // namespace mudra
