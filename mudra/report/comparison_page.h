// Two runs beside each other as one page of HTML that needs nothing else.
#pragma once

#include <filesystem>
#include <string>

#include "mudra/report/compared_runs.h"

namespace mudra {

// Of the first pair, with the pictures on which the two disagree. `images`: those compared, in the order of
// the predictions; or none, and then `missing` says why.
std::string comparison_page(const ComparedRuns& compared, const Dataset& images, const std::string& missing);

// Writes it as report.html into `folder`. Throws Error when it cannot.
void write_comparison_page(const ComparedRuns& compared, const Dataset& images, const std::string& missing,
                           const std::filesystem::path& folder);

}  // namespace mudra
