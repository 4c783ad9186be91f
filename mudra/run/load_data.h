// From options to the images a run uses.
#pragma once

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/training/options.h"

namespace mudra {

// Reads (or renders, for synth:N) options.data, keeps options.classes, brings images to options.size.
Dataset load_data(const Options& options, ThreadTeam& team);

}  // namespace mudra
