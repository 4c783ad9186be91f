#include "mudra/report/page_scores.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "mudra/core/text.h"
#include "mudra/report/summary.h"

namespace mudra {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t most_curves = 30;   // of the worst classes
constexpr double tolerance = 0.003;  // of a curve: less than a pixel
constexpr size_t most_values = 200;  // of a column, the worst

double rounded(double share) { return std::round(1e4 * share) / 1e4; }

Json place_of(const Score& score) {
  if (std::isnan(score.value)) return nullptr;
  return {rounded(score.low), rounded(score.value), rounded(score.high)};
}

Json class_of(const Evaluation& test, size_t c) {
  const ClassScores& scores = test.scores.per_class[c];
  Json curve = Json::array();
  for (const CurvePoint& point : thinned(scores.curve, tolerance)) {
    const auto right = static_cast<double>(point.right), wrong = static_cast<double>(point.wrong);
    curve.push_back({rounded(wrong / static_cast<double>(scores.curve.back().wrong)),
                     rounded(right / static_cast<double>(scores.curve.back().right)),
                     right + wrong > 0 ? rounded(right / (right + wrong)) : 1.0});
  }
  return {{"name", display_name(test.classes[c], 200)},
          {"roc", score_text(scores.roc_auc.value, false)},
          {"roc_interval", interval_text(scores.roc_auc, false)},
          {"precision", score_text(scores.average_precision.value, false)},
          {"precision_interval", interval_text(scores.average_precision, false)},
          {"share", rounded(static_cast<double>(test.per_class[c].support) / static_cast<double>(test.n))},
          {"curve", std::move(curve)}};
}

Json column_of(const ColumnScores& column) {
  Json rows = Json::array();
  for (const ValueScore& each : column.values) {
    if (rows.size() == most_values) break;
    rows.push_back({display_name(each.value, 200), thousands(each.n), thousands(each.right),
                    score_text(each.accuracy.value, true), interval_text(each.accuracy, true),
                    place_of(each.accuracy)});
  }
  return {{"column", clean(column.column)}, {"rows", rows}, {"of", column.values.size()}};
}

}  // namespace

nlohmann::ordered_json measures_of(const Evaluation& test) {
  Json overall = Json::array(), classes = Json::array(), by = Json::array();
  for (const ScoreName& each : shown_scores(test)) {
    const Score& score = test.scores.*each.score;
    overall.push_back({each.name, score_text(score.value, each.is_share), interval_text(score, each.is_share),
                       place_of(score)});
  }
  std::vector<size_t> order;
  for (size_t c = test.classes.size() == 2 ? 1 : 0; c < test.classes.size(); ++c)
    if (!test.scores.per_class[c].curve.empty()) order.push_back(c);
  std::ranges::stable_sort(order, {},
                           [&](size_t c) { return test.scores.per_class[c].average_precision.value; });
  const size_t curves = order.size();
  order.resize(std::min(curves, most_curves));
  for (const size_t c : order) classes.push_back(class_of(test, c));
  for (const ColumnScores& column : test.by) by.push_back(column_of(column));
  return {{"counted", counted(test.scores.unit, test.scores.units)},
          {"overall", overall},
          {"classes", classes},
          {"of", curves},
          {"by", by}};
}

}  // namespace mudra
