#include "mudra/evaluation/ranking.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

namespace mudra {

Ranking::Ranking(std::span<const int32_t> truth, const Answers& answers, size_t of_class)
    : order_(truth.size()) {
  const auto score = [&](uint32_t image) {
    const float probability = answers.probability(image, of_class);
    return std::isnan(probability) ? -1 : probability;
  };
  const auto is_of_class = [&](uint32_t image) { return truth[image] == static_cast<int32_t>(of_class); };
  std::iota(order_.begin(), order_.end(), uint32_t{0});
  std::ranges::sort(order_, {},
                    [&](uint32_t image) { return std::tuple(-score(image), is_of_class(image), image); });
  scores_.reserve(order_.size());
  for (const uint32_t image : order_) scores_.push_back(score(image));
  steps_.reserve(static_cast<size_t>(std::ranges::count(truth, static_cast<int32_t>(of_class))));
  size_t same = 0;  // where this probability begins
  for (size_t at = 0; at < order_.size();) {
    if (scores_[at] != scores_[same]) same = at;
    if (!is_of_class(order_[at])) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    while (end < order_.size() && scores_[end] == scores_[at]) ++end;
    steps_.push_back({static_cast<uint32_t>(same), static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
    at = end;
  }
}

Ranking::Areas Ranking::areas(const Resampling& tests) const {
  constexpr size_t lanes = Resampling::lanes;
  using Counts = Resampling::Counts;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<uint16_t> heap;  // of the images in order
  heap.reserve(order_.size());
  for (const uint32_t image : order_) heap.push_back(tests.heap()[image]);
  Areas areas;
  for (size_t b = 0; b < tests.blocks(); ++b) {
    const std::span<const Counts> counts = tests.block(b);
    const auto add = [&](size_t from, size_t to, Counts& sum) {
      for (size_t i = from; i < to; ++i) {
        const Counts& more = counts[heap[i]];
        for (size_t lane = 0; lane < lanes; ++lane) sum[lane] += more[lane];
      }
    };
    Counts above{};  // others
    std::array<double, lanes> right{}, precision{}, lost{};
    size_t at = 0;
    for (const Step& step : steps_) {
      Counts tied{}, own{};
      add(at, step.before, above);
      add(step.before, step.tied, tied);
      add(step.tied, step.end, own);
      for (size_t lane = 0; lane < lanes; ++lane) {
        const double more = own[lane];
        lost[lane] += more * (2. * above[lane] + tied[lane]);
        above[lane] += tied[lane];
        right[lane] += more;
        precision[lane] += more * right[lane] / std::max(1.0, right[lane] + above[lane]);
      }
      at = step.end;
    }
    add(at, order_.size(), above);
    for (size_t lane = 0; lane < lanes; ++lane) {
      const double pairs = right[lane] * above[lane];
      areas.roc.push_back(pairs > 0 ? 1 - lost[lane] / (2 * pairs) : nan);
      areas.average_precision.push_back(right[lane] > 0 ? precision[lane] / right[lane] : nan);
    }
  }
  return areas;
}

std::vector<CurvePoint> Ranking::curve() const {
  std::vector<CurvePoint> points = {{std::numeric_limits<double>::infinity(), 0, 0}};
  const auto add = [&](size_t last, size_t right, size_t wrong) {
    if (right + wrong > 0)
      points.push_back({scores_[last], points.back().right + static_cast<int64_t>(right),
                        points.back().wrong + static_cast<int64_t>(wrong)});
  };
  size_t at = 0;
  for (const Step& step : steps_) {
    add(step.before - 1, 0, step.before - at);
    add(step.end - 1, step.end - step.tied, step.tied - step.before);
    at = step.end;
  }
  add(order_.size() - 1, 0, order_.size() - at);
  if (points.back().right == 0 || points.back().wrong == 0) return {};
  return points;
}

std::vector<CurvePoint> thinned(std::span<const CurvePoint> curve, double tolerance) {
  if (curve.size() < 3) return {curve.begin(), curve.end()};
  const auto place = [&](size_t i) {
    const CurvePoint& point = curve[i];
    const auto right = static_cast<double>(point.right), wrong = static_cast<double>(point.wrong);
    return std::array{right / static_cast<double>(curve.back().right),
                      wrong / static_cast<double>(curve.back().wrong), i == 0 ? 1 : right / (right + wrong)};
  };
  // Douglas and Peucker 1973: the point farthest from a line divides it, as long as that is far.
  std::vector<bool> is_kept(curve.size());
  is_kept.front() = is_kept.back() = true;
  std::vector<std::pair<size_t, size_t>> lines = {{0, curve.size() - 1}};
  while (!lines.empty()) {
    const auto [from, to] = lines.back();
    lines.pop_back();
    const auto a = place(from), b = place(to);
    double farthest = tolerance;
    size_t found = 0;
    for (size_t i = from + 1; i < to; ++i) {
      const auto p = place(i);
      double along = 0, length = 0, off = 0;
      for (size_t k = 0; k < 3; ++k) {
        along += (p[k] - a[k]) * (b[k] - a[k]);
        length += (b[k] - a[k]) * (b[k] - a[k]);
      }
      const double t = length > 0 ? std::clamp(along / length, 0.0, 1.0) : 0;
      for (size_t k = 0; k < 3; ++k) off = std::max(off, std::fabs(p[k] - a[k] - t * (b[k] - a[k])));
      if (off > farthest) farthest = off, found = i;
    }
    if (found == 0) continue;
    is_kept[found] = true;
    lines.emplace_back(from, found);
    lines.emplace_back(found, to);
  }
  std::vector<CurvePoint> kept;
  for (size_t i = 0; i < curve.size(); ++i)
    if (is_kept[i]) kept.push_back(curve[i]);
  return kept;
}

}  // namespace mudra
