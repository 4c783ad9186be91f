// The numbers of a test as tables for papers: scores with their intervals, classes, groups, columns, and the
// confusion matrix (beyond 30 classes the most frequent mistakes).
#pragma once

#include <string>

#include "mudra/report/record.h"

namespace mudra {

// Names are escaped: they are nothing but text to whatever reads the file.
std::string markdown_tables(const RunRecord& record);
// Needs \usepackage{booktabs} and nothing else.
std::string latex_tables(const RunRecord& record);

}  // namespace mudra
