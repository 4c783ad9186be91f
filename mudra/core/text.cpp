#include "mudra/core/text.h"

#include <fmt/format.h>

#include <array>

#include "mudra/core/utf8.h"

namespace mudra {

std::string thousands(int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string number_word(int64_t number) {
  constexpr std::array words = {"no",    "one",   "two",  "three", "four",   "five",  "six",
                                "seven", "eight", "nine", "ten",   "eleven", "twelve"};
  return number >= 0 && number < static_cast<int64_t>(words.size()) ? words[static_cast<size_t>(number)]
                                                                    : thousands(number);
}

std::string percent(double share) {
  if (share < 1 && share >= 0.9995) return ">99.9%";
  if (share > 0 && share < 0.0005) return "<0.1%";
  return fmt::format("{:.1f}%", 100 * share);
}

std::string clean(std::string_view text) {
  std::string result;
  for (const char32_t point : code_points(as_utf8(text))) {
    const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0) ||
                         // These would break the line or turn the text around a name.
                         point == 0x061C || point == 0x200E || point == 0x200F ||
                         (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
    if (!control) {
      append_utf8(point, result);
    } else if (point == '\n' || point == '\r' || point == '\t') {
      result += point == '\n' ? "\\n" : point == '\r' ? "\\r" : "\\t";
    } else {
      result +=
          fmt::format(fmt::runtime(point < 0x100 ? "\\x{:02x}" : "\\u{:04x}"), static_cast<uint32_t>(point));
    }
  }
  return result;
}

std::string shorten(std::string_view text, size_t most) {
  const std::u32string points = code_points(clean(text));
  if (points.size() <= most) return clean(text);
  std::string result;
  for (size_t i = 0; i + 1 < most; ++i) append_utf8(points[i], result);
  return result + "…";
}

std::string display_name(std::string_view name, size_t most) {
  return name.empty() ? "(no name)" : shorten(name, most);
}

std::string listed(std::span<const std::string> names, std::string_view last, size_t longest) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? fmt::format(" {} ", last) : ", ";
    text += display_name(names[i], longest);
  }
  return text;
}

}  // namespace mudra
