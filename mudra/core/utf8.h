// Text from files: names and labels are UTF-8 everywhere inside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mudra {

void append_utf8(uint32_t point, std::string& text);

// The text itself when it is valid UTF-8; otherwise its bytes read as Latin-1.
std::string as_utf8(std::string_view bytes);

// The characters of valid UTF-8.
std::u32string code_points(std::string_view text);

}  // namespace mudra
