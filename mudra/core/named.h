// Enums whose values have names: one table each, and text only where a person reads or writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mudra {

// A specialisation has `static constexpr std::pair<E, std::string_view> values[]`: every value and its name.
template <class E>
struct Named;

template <class E>
concept HasNames = requires {
  Named<E>::values[0].second;
};

template <HasNames E>
constexpr std::string_view name_of(E wanted) {
  for (const auto& [value, name] : Named<E>::values) {
    if (value == wanted) return name;
  }
  return {};
}

// Nothing when no value is called so.
template <HasNames E>
constexpr std::optional<E> value_named(std::string_view wanted) {
  for (const auto& [value, name] : Named<E>::values) {
    if (name == wanted) return value;
  }
  return std::nullopt;
}

template <HasNames E>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  for (const auto& entry : Named<E>::values) names.emplace_back(entry.second);
  return names;
}

}  // namespace mudra
