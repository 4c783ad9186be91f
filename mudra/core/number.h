// Numbers from text.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace mudra {

// The number a text is from end to end; nothing when it is none, or too large for T. Independent of the
// locale.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace mudra
