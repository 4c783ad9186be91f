// HTML from a template.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mudra {

// A text as HTML shows it: cleaned, and nothing in it is markup.
std::string html_of(std::string_view text);

// The template with every {{name}} replaced by its part; what comes in is not searched again. A name that is
// not among the parts stays as it is.
std::string filled_page(std::string_view page,
                        const std::vector<std::pair<std::string_view, std::string>>& parts);

}  // namespace mudra
