#include "mudra/core/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mudra {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t not_base64 = 64;

constexpr std::array<uint8_t, 256> values = [] {
  std::array<uint8_t, 256> table{};
  table.fill(not_base64);
  for (size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  return table;
}();

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (at + k < bytes.size() ? static_cast<uint8_t>(bytes[at + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += at + k <= bytes.size() ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t at = 0; at < text.size(); at += 4) {
    const size_t missing = at + 4 == text.size() ? padding : 0;
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k) {
      const uint8_t value = k < 4 - missing ? values[static_cast<uint8_t>(text[at + k])] : uint8_t{0};
      if (value == not_base64) return std::nullopt;
      bits = bits << 6 | value;
    }
    if ((bits & ((1U << (8 * missing)) - 1)) != 0) return std::nullopt;  // one text for the same bytes
    for (size_t k = 0; k < 3 - missing; ++k) bytes += static_cast<char>(bits >> (16 - 8 * k) & 255);
  }
  return bytes;
}

}  // namespace mudra
