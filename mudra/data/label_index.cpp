#include "mudra/data/label_index.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "mudra/core/number.h"
#include "mudra/core/utf8.h"

namespace mudra {
bool label_less(std::string_view a, std::string_view b) {
  const auto number = [](std::string_view text) {
    const auto value = parse_number<double>(text);
    return value && std::isnan(*value) ? std::nullopt : value;
  };
  const std::optional<double> x = number(a), y = number(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return x.has_value();
  return a < b;
}

std::string join_names(std::span<const std::string> names, size_t most, size_t of) {
  std::string text;
  const size_t shown = std::min(names.size(), most), all = std::max(names.size(), of);
  for (size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : i + 1 == all ? " and " : ", ") + names[i];
  if (shown < all) text += " and " + std::to_string(all - shown) + " more";
  return text;
}

void LabelIndex::add(std::string_view text) {
  auto found = seen_.find(text);
  if (found == seen_.end()) {
    found = seen_.emplace(std::string(text), static_cast<int32_t>(names_.size())).first;
    names_.push_back(as_utf8(text));
  }
  labels_.push_back(found->second);
}

void LabelIndex::finish(std::vector<std::string>& names, std::vector<int32_t>& labels) {
  std::vector<int32_t> order(names_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto name = [&](int32_t i) -> const std::string& { return names_[static_cast<size_t>(i)]; };
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return label_less(name(a), name(b)); });
  std::vector<int32_t> rank(order.size());
  names.clear();
  for (size_t i = 0; i < order.size(); ++i) {
    rank[static_cast<size_t>(order[i])] = static_cast<int32_t>(i);
    names.push_back(name(order[i]));
  }
  labels = std::move(labels_);
  for (int32_t& label : labels) label = rank[static_cast<size_t>(label)];
  *this = {};
}

}  // namespace mudra
