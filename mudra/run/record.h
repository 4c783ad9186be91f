// What a report tells of a run.
#pragma once

#include <optional>
#include <string>

#include "mudra/report/run_record.h"
#include "mudra/run/evaluate_run.h"
#include "mudra/run/train_run.h"

namespace mudra {

// "800 to train, 200 held out, random, seed 1"
std::string describe_split(const Run& run);

// `near_copies`: held-out images with a near copy in training, if they were looked for.
RunRecord make_record(const Run& run, std::optional<int64_t> near_copies);

RunRecord make_record(const ModelTest& test);

}  // namespace mudra
