// The pages' HTML with their style and scripts, joined at build from the files in mudra/report/page.
#pragma once

#include <string_view>

namespace mudra {

// {{title}}, {{plain}} and {{record}} stand for what a run fills in.
extern const std::string_view page_template;        // of a run or a test
extern const std::string_view comparison_template;  // of two runs
extern const std::string_view tuning_template;      // of a search

}  // namespace mudra
