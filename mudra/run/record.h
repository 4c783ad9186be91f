// What a report tells of a training run.
#pragma once

#include "mudra/report/run_record.h"
#include "mudra/run/train_run.h"

namespace mudra {

RunRecord make_record(const Run& run);

}  // namespace mudra
