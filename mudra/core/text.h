// Numbers and names as readers see them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mudra {

std::string thousands(int64_t number);    // 5,000
std::string number_word(int64_t number);  // "ten", "1,000"
// 97.5%; what is not all or nothing never reads 100% or 0%.
std::string percent(double share);

// What may be shown anywhere, and cleaned again: valid UTF-8 in which control characters, those that turn the
// direction of writing among them, are spelled out, such as \n, \x1b or \u202e.
std::string clean(std::string_view text);
// No more than `most` characters, the last one "…" if some are missing.
std::string shorten(std::string_view text, size_t most);
// The name of a class, shortened; "(no name)" for an empty one.
std::string display_name(std::string_view name, size_t most);
// "0, 5 and 7": every name as display_name() has it, the last two joined by `last`.
std::string listed(std::span<const std::string> names, std::string_view last = "and", size_t longest = 24);

}  // namespace mudra
