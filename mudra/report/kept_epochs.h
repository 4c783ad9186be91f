// Reads the epochs that a run kept (mudra/experiment/kept_epochs.h) for its report.
#pragma once

#include <filesystem>

#include "mudra/report/record.h"

namespace mudra {

// `record` has the test and its answers already; `folder` is the run's. Nothing unless the options ask for
// epochs. Throws Error when a file is damaged.
KeptEpochs read_kept_epochs(const Experiment& experiment, const RunRecord& record,
                            const std::filesystem::path& folder);

}  // namespace mudra
