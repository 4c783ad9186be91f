// The figures of a run as files, drawn by gnuplot.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mudra/report/record.h"

namespace mudra {

// Writes loss, confusion, examples and weights as .png and .svg into `folder`, which is made if need be;
// those the record has nothing for are left out. Returns notes: why figures are missing, if any are.
std::vector<std::string> draw_figures(const RunRecord& record, const std::filesystem::path& folder);

}  // namespace mudra
