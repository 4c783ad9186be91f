// What a person may choose: typed values, and their text at the edge (command line, TOML files, documents).
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "mudra/core/named.h"

namespace mudra {

// The values a number may have.
struct Limits {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool is_low_excluded = false, is_high_excluded = false;
};

// Of a seed: TOML has whole numbers of 63 bits.
inline constexpr Limits seed_limits{0, 0x1p63, false, true};

// Everything said about an option, in the one place that declares it. `name` has no dashes.
struct OptionInfo {
  std::string_view name, help;
  Limits limits{};
  std::string_view group{};  // the heading it stands under in --help
};

// A value that reads itself: T::parse(text) throws a usage Error, and text() is what parse() reads.
template <class T>
concept ReadsText = requires(const T& value, std::string_view text) {
  { T::parse(text) } -> std::same_as<T>;
  { value.text() } -> std::same_as<std::string>;
};

// Set `value` from text. Throw a usage Error that names the option and says what it may be.
void set_from_text(const OptionInfo& option, std::string& value, const std::string& text);
void set_from_text(const OptionInfo& option, std::vector<std::string>& value, const std::string& text);
void set_from_text(const OptionInfo& option, bool& value, const std::string& text);
template <class T>
requires std::is_arithmetic_v<T>
void set_from_text(const OptionInfo& option, T& value, const std::string& text);  // int, uint64_t, double
[[noreturn]] void refuse_choice(const OptionInfo& option, const std::string& text,
                                const std::vector<std::string>& choices);
template <HasNames E>
void set_from_text(const OptionInfo& option, E& value, const std::string& text) {
  const auto found = value_named<E>(text);
  if (!found) refuse_choice(option, text, names_of<E>());
  value = *found;
}
template <ReadsText T>
void set_from_text(const OptionInfo&, T& value, const std::string& text) {
  value = T::parse(text);
}

// The value as set_from_text reads it.
std::string text_of(const std::string& value);
std::string text_of(const std::vector<std::string>& value);
std::string text_of(bool value);
std::string text_of(double value);
template <std::integral T>
std::string text_of(T value) {
  return std::to_string(value);
}
template <HasNames E>
std::string text_of(E value) {
  return std::string(name_of(value));
}
template <ReadsText T>
std::string text_of(const T& value) {
  return value.text();
}

// The words an option is one of; none for any other kind of value.
template <class T>
std::vector<std::string> choices_of(const T&) {
  if constexpr (HasNames<T>) {
    return names_of<T>();
  } else {
    return {};
  }
}

}  // namespace mudra
