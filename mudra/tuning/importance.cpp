#include "mudra/tuning/importance.h"

#include <algorithm>
#include <map>
#include <utility>

namespace mudra {
namespace {

struct Seen {
  double value, score;
};

// Omega squared of the scores by part.
double explained(const std::map<size_t, std::vector<double>>& parts, size_t trials) {
  double mean = 0;
  for (const auto& [part, scores] : parts) {
    for (const double score : scores) mean += score;
  }
  mean /= static_cast<double>(trials);
  double within = 0, between = 0;
  for (const auto& [part, scores] : parts) {
    double own = 0;
    for (const double score : scores) own += score;
    own /= static_cast<double>(scores.size());
    between += static_cast<double>(scores.size()) * (own - mean) * (own - mean);
    for (const double score : scores) within += (score - own) * (score - own);
  }
  if (parts.size() < 2 || trials <= parts.size() || between + within == 0) return 0;
  const double chance = within / static_cast<double>(trials - parts.size());
  const double more = between - static_cast<double>(parts.size() - 1) * chance;
  return std::max(0.0, more / (between + within + chance));
}

}  // namespace

std::vector<Importance> importances(const SearchSpace& space, std::span<const Trial> trials) {
  constexpr size_t fewest = 8, quarters = 4;
  std::vector<Importance> found;
  for (const Dimension& dimension : space.dimensions()) {
    std::vector<Seen> seen;
    for (const Trial& trial : trials) {
      const auto at = trial.draw.find(dimension.name);
      if (at != trial.draw.end() && !trial.rungs.empty())
        seen.push_back({at->second, trial.rungs.front().score});
    }
    if (seen.size() < fewest) continue;
    std::ranges::stable_sort(seen, {}, &Seen::value);
    std::map<size_t, std::vector<double>> parts;
    size_t part = 0;
    for (size_t i = 0; i < seen.size(); ++i) {
      // Equal numbers stay together.
      if (i == 0 || seen[i].value != seen[i - 1].value)
        part = dimension.is_number() ? i * quarters / seen.size() : static_cast<size_t>(seen[i].value);
      parts[part].push_back(seen[i].score);
    }
    found.push_back({dimension.name, explained(parts, seen.size()), static_cast<int>(seen.size())});
  }
  std::ranges::stable_sort(found, std::greater{}, &Importance::share);
  return found;
}

}  // namespace mudra
