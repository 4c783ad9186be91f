#include "mudra/core/utf8.h"

namespace mudra {
namespace {

// The character that starts at text[i], and its length in bytes; length 0 when it is not valid.
struct Character {
  uint32_t point = 0;
  size_t length = 0;
};

Character character_at(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) -> uint32_t {  // 0, which continues nothing, beyond the end
    return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0;
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
  if (length == 0) return {};
  uint32_t point = first & (0x7FU >> length);
  for (size_t k = 1; k < length; ++k) {
    if (byte(k) >> 6 != 2) return {};
    point = point << 6 | (byte(k) & 63);
  }
  const bool shortest = point >= (length == 2 ? 0x80U : length == 3 ? 0x800U : 0x10000U);
  if (!shortest || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return {};
  return {point, length};
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = character_at(text, i).length;
    if (length == 0) return false;
    i += length;
  }
  return true;
}

}  // namespace

void append_utf8(uint32_t point, std::string& text) {
  const int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;  // bytes after the first
  constexpr uint32_t first[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(first[more] | point >> 6 * more);
  for (int k = more - 1; k >= 0; --k) text += static_cast<char>(0x80 | (point >> 6 * k & 63));
}

std::string as_utf8(std::string_view bytes) {
  if (is_utf8(bytes)) return std::string(bytes);
  std::string text;
  for (const char byte : bytes) append_utf8(static_cast<unsigned char>(byte), text);
  return text;
}

std::u32string code_points(std::string_view text) {
  std::u32string points;
  for (size_t i = 0; i < text.size();) {
    const Character character = character_at(text, i);
    points += static_cast<char32_t>(character.point);
    i += character.length > 0 ? character.length : 1;
  }
  return points;
}

}  // namespace mudra
