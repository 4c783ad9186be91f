// What a report tells of a run.
#pragma once

#include <optional>

#include "mudra/report/run_record.h"
#include "mudra/run/evaluate_run.h"
#include "mudra/run/train_run.h"

namespace mudra {

// `near_copies`: held-out images with a near copy in training, if they were looked for.
RunRecord make_record(const Run& run, std::optional<int64_t> near_copies);

RunRecord make_record(const ModelTest& test);

}  // namespace mudra
