// The files of mudra/serve/assets, as texts in the program.
#pragma once

#include <string_view>

namespace mudra {

extern const std::string_view page_html, style_css, openapi_json;
extern const std::string_view index_html, studio_js, studio_css, licences_txt;  // of studio/

}  // namespace mudra
