// A search for options as one page of HTML that needs nothing else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mudra/tuning/tune.h"

namespace mudra {

// `test`: what the best options came to, if they were trained and tested.
std::string tuning_page(const Tuning& tuning, const TuningResult& result, const ExperimentResult* test);

// Writes it as report.html into `folder`, and history and importance as figures beside it. Throws Error when
// it cannot. Returns notes: why there are no figures.
std::vector<std::string> write_tuning_report(const Tuning& tuning, const TuningResult& result,
                                             const ExperimentResult* test,
                                             const std::filesystem::path& folder);

}  // namespace mudra
