// The files of mudra/serve/assets, as texts in the program.
#pragma once

#include <string_view>

namespace mudra {

extern const std::string_view page_html, style_css, openapi_json;

}  // namespace mudra
