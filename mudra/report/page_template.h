// The page's HTML with its style and script, joined at build from the files in mudra/report/page.
#pragma once

#include <string_view>

namespace mudra {

// {{title}}, {{plain}} and {{record}} stand for what a run fills in.
extern const std::string_view page_template;

}  // namespace mudra
