#include "mudra/core/did_you_mean.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace mudra {
namespace {

// Letters to put in, take out, replace or exchange with their neighbour (Damerau's distance, each letter
// once).
size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> before, above, row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row.back();
}

// Whether `letters` are the first ones of the name's words, as lr of learning-rate, or how the name begins.
bool abbreviates(std::string_view letters, std::string_view name) {
  std::string initials;
  for (size_t i = 0; i < name.size(); ++i) {
    if (i == 0 || name[i - 1] == '-') initials += name[i];
  }
  return (letters.size() >= 2 && letters == initials) || (letters.size() >= 3 && name.starts_with(letters));
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
  const std::string* best = nullptr;
  const auto dashes = [](std::string_view text) {
    return std::min(text.size(), text.find_first_not_of('-'));
  };
  const std::string_view letters = word.substr(dashes(word));
  size_t fewest = std::max<size_t>(1, letters.size() / 3) + 1;
  for (const std::string& name : names) {
    const size_t distance = edits(word, name);
    if (distance < fewest) {
      fewest = distance;
      best = &name;
    }
  }
  for (const std::string& name : names) {
    if (!best && abbreviates(letters, std::string_view(name).substr(dashes(name)))) best = &name;
  }
  if (best) return "Did you mean '" + *best + "'?";
  return fmt::format("There is: {}", fmt::join(names, ", "));
}

}  // namespace mudra
