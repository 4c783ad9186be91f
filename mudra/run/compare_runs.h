// Runs compared on the images that all of them tested, from what they left on the disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mudra/core/progress.h"
#include "mudra/data/dataset.h"
#include "mudra/experiment/options.h"
#include "mudra/experiment/predictions.h"
#include "mudra/report/compared_runs.h"

namespace mudra {

// A test that was written down: a run's folder, or a file of predictions.
struct TestedRun {
  std::string name;                // as it was asked for
  std::optional<Options> options;  // of a folder's run
  Predictions predictions;
};

// Throws Error when there is neither a run that tested something nor a file of predictions.
TestedRun read_tested_run(const std::filesystem::path& path);

// Images are matched by their row in the source. Groups and photographs are those of the first run that knows
// them. Throws Error when two runs read other data, or call a row another file or give it another label, and
// when no image was tested by all; a usage Error when there are not two runs or more, each named once.
ComparedRuns compare_runs(std::vector<TestedRun> runs);

// The images that were compared, in the order of their predictions, read again as the run's options name
// them. Throws Error when they are no longer there, or are others.
Dataset load_compared_images(const Options& options, const Predictions& compared, const Progress& progress);

}  // namespace mudra
