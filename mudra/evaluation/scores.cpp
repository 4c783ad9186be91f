#include "mudra/evaluation/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace mudra {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
constexpr size_t lanes = Resampling::lanes;
using Counts = Resampling::Counts;
using Samples = std::vector<double>;  // a score in every sample

// Of every kind of image the share that is marked.   kind, marked: N
std::vector<Score> shares(std::span<const int32_t> kind, size_t kinds, std::span<const uint8_t> marked,
                          const Resampling& tests) {
  std::vector<Samples> found(kinds, Samples(tests.samples(), undefined));
  for (size_t b = 0; b < tests.blocks(); ++b) {
    const auto counts = tests.block(b);
    std::vector<Counts> all(kinds), those(kinds);
    for (size_t i = 0; i < kind.size(); ++i) {
      const Counts& more = counts[tests.heap()[i]];
      const auto of = static_cast<size_t>(kind[i]);
      for (size_t lane = 0; lane < lanes; ++lane) all[of][lane] += more[lane];
      for (size_t lane = 0; marked[i] && lane < lanes; ++lane) those[of][lane] += more[lane];
    }
    for (size_t of = 0; of < kinds; ++of) {
      for (size_t lane = 0; lane < lanes; ++lane)
        if (all[of][lane] > 0)
          found[of][b * lanes + lane] = static_cast<double>(those[of][lane]) / all[of][lane];
    }
  }
  const Resampling::Units units = tests.units_with(kind, kinds);
  std::vector<Score> scores;
  for (size_t of = 0; of < kinds; ++of)
    scores.push_back(score_of(found[of], units.with[of], 0, 1, 1 / static_cast<double>(units.alone[of])));
  return scores;
}

// Whether the truth is one of the two most probable classes, of which the later comes first among equals.
bool is_among_two(const Answers& answers, size_t image, int32_t truth) {
  const float own = answers.probability(image, static_cast<size_t>(truth));
  int before = 0;
  for (int32_t c = 0; c < answers.classes; ++c) {
    const float other = answers.probability(image, static_cast<size_t>(c));
    before += other > own || (other == own && c > truth);
  }
  return before < 2;
}

struct Agreement {
  Samples balanced_accuracy, cohen_kappa, matthews;
};

// In one sample, from how often each class is in truth, in the answers (where refusals are one more), and
// right.
void agree(size_t sample, size_t lane, std::span<const Counts> truth, std::span<const Counts> said,
           std::span<const Counts> right, Agreement& found) {
  double n = 0, agreed = 0, recalls = 0, occurring = 0, both = 0, truths = 0, answers = 0;
  for (size_t c = 0; c < said.size(); ++c) {
    const double t = c < truth.size() ? truth[c][lane] : 0, s = said[c][lane];
    n += t;
    both += t * s;
    truths += t * t;
    answers += s * s;
    if (t == 0) continue;
    agreed += right[c][lane];
    recalls += right[c][lane] / t;
    ++occurring;
  }
  found.balanced_accuracy[sample] = recalls / occurring;
  const double by_chance = n - both / n;
  found.cohen_kappa[sample] = by_chance > 0 ? 1 - (n - agreed) / by_chance : undefined;
  const double spread = (n * n - answers) * (n * n - truths);
  found.matthews[sample] = spread > 0 ? (agreed * n - both) / std::sqrt(spread) : n > 0 ? 0 : undefined;
}

Agreement agreement(std::span<const int32_t> truth, const Answers& answers, const Resampling& tests) {
  const auto classes = static_cast<size_t>(answers.classes);
  const Samples none(tests.samples());
  Agreement found{none, none, none};
  for (size_t b = 0; b < tests.blocks(); ++b) {
    const auto counts = tests.block(b);
    std::vector<Counts> truths(classes), said(classes + 1), right(classes);
    for (size_t i = 0; i < truth.size(); ++i) {
      const Counts& more = counts[tests.heap()[i]];
      const auto of = static_cast<size_t>(truth[i]);
      const size_t answer = answers.labels[i] == refused ? classes : static_cast<size_t>(answers.labels[i]);
      for (size_t lane = 0; lane < lanes; ++lane) truths[of][lane] += more[lane];
      for (size_t lane = 0; lane < lanes; ++lane) said[answer][lane] += more[lane];
      for (size_t lane = 0; answer == of && lane < lanes; ++lane) right[of][lane] += more[lane];
    }
    for (size_t lane = 0; lane < lanes; ++lane) agree(b * lanes + lane, lane, truths, said, right, found);
  }
  return found;
}

// Means over classes, of those that have a value in a sample.
struct Sum {
  Samples value, count;
  explicit Sum(size_t samples) : value(samples), count(samples) {}
  void add(std::span<const double> more) {
    for (size_t i = 0; i < more.size(); ++i) {
      if (std::isnan(more[i])) continue;
      value[i] += more[i];
      ++count[i];
    }
  }
  Samples mean() const {
    Samples means = value;
    for (size_t i = 0; i < means.size(); ++i) means[i] /= count[i];
    return means;
  }
};

}  // namespace

Scores scores_of(std::span<const int32_t> truth, const Answers& answers, const Resampling& tests) {
  const auto classes = static_cast<size_t>(answers.classes);
  const Resampling::Units units = tests.units_with(truth, classes);
  const auto all = tests.units();
  int64_t rarest = all, fewest = static_cast<int64_t>(truth.size()), occurring = 0;
  for (size_t c = 0; c < classes; ++c) {
    if (units.with[c] == 0) continue;
    rarest = std::min(rarest, units.with[c]);
    fewest = std::min(fewest, units.alone[c]);
    ++occurring;
  }
  const int64_t of_classes = std::min(all, occurring * rarest);
  const double mistake = 1 / static_cast<double>(occurring * fewest);

  Scores scores;
  scores.unit = tests.unit();
  scores.units = tests.units();
  scores.samples = static_cast<int64_t>(tests.samples()) - 1;
  const Agreement agreed = agreement(truth, answers, tests);
  scores.balanced_accuracy = score_of(agreed.balanced_accuracy, of_classes, 0, 1, mistake);
  scores.cohen_kappa = score_of(agreed.cohen_kappa, of_classes, -1, 1, mistake);
  scores.matthews = score_of(agreed.matthews, of_classes, -1, 1, mistake);

  std::vector<Score> top_2;
  {
    std::vector<uint8_t> among_two(truth.size());
    for (size_t i = 0; i < truth.size(); ++i)
      among_two[i] = answers.labels[i] != refused && is_among_two(answers, i, truth[i]);
    const std::vector<int32_t> any(truth.size());
    scores.top_2_accuracy = shares(any, 1, among_two, tests)[0];
    top_2 = shares(truth, classes, among_two, tests);
  }

  Sum roc(tests.samples()), precision(tests.samples());
  for (size_t c = 0; c < classes; ++c) {
    const Ranking ranking(truth, answers, c);
    Ranking::Areas areas = ranking.areas(tests);
    if (units.with[c] == 0) areas.average_precision.assign(tests.samples(), 0);
    roc.add(areas.roc);
    precision.add(areas.average_precision);
    // An image that is misplaced is so among a quarter of the others, say.
    const double misplaced = 0.25 / static_cast<double>(units.alone_or_others[c]);
    scores.per_class.push_back(
        {top_2[c], score_of(areas.roc, std::min(units.with[c], units.with_others[c]), 0, 1, misplaced),
         score_of(areas.average_precision, units.with[c], 0, 1, misplaced), ranking.curve()});
  }
  const bool is_undefined = roc.count[0] < static_cast<double>(classes);
  scores.roc_auc =
      is_undefined ? Score{undefined, undefined, undefined} : score_of(roc.mean(), of_classes, 0, 1, mistake);
  scores.average_precision = score_of(precision.mean(), of_classes, 0, 1, mistake);
  return scores;
}

std::span<const ScoreName> score_names() {
  static constexpr ScoreName names[] = {
      {"balanced_accuracy", "balanced accuracy", &Scores::balanced_accuracy, true},
      {"cohen_kappa", "Cohen's kappa", &Scores::cohen_kappa, false},
      {"matthews", "Matthews correlation", &Scores::matthews, false},
      {"roc_auc", "area below the ROC curve", &Scores::roc_auc, false},
      {"average_precision", "average precision", &Scores::average_precision, false},
      {"top_2_accuracy", "right among the first two", &Scores::top_2_accuracy, true}};
  return names;
}

ColumnScores scores_by(const Column& column, std::span<const uint8_t> right, const Resampling& tests) {
  const size_t kinds = column.values.size();
  const std::vector<Score> scores = shares(column.of, kinds, right, tests);
  ColumnScores found{column.name, {}};
  for (size_t v = 0; v < kinds; ++v) found.values.push_back({column.values[v], 0, 0, scores[v]});
  for (size_t i = 0; i < right.size(); ++i) {
    ValueScore& score = found.values[static_cast<size_t>(column.of[i])];
    ++score.n;
    score.right += right[i];
  }
  std::erase_if(found.values, [](const ValueScore& score) { return score.n == 0; });
  std::ranges::stable_sort(found.values, {}, [](const ValueScore& score) { return score.accuracy.value; });
  return found;
}

nlohmann::json to_json(const Score& score) {
  if (std::isnan(score.value)) return {{"value", nullptr}, {"interval", nullptr}};
  return {{"value", score.value}, {"interval", {score.low, score.high}}};
}

nlohmann::json to_json(const Scores& scores) {
  nlohmann::json json = {
      {"interval_unit", scores.unit}, {"interval_units", scores.units}, {"samples", scores.samples}};
  for (const ScoreName& each : score_names()) json[each.key] = to_json(scores.*each.score);
  return json;
}

nlohmann::json to_json(const ClassScores& scores) {
  nlohmann::json threshold = nlohmann::json::array(), recall = threshold, wrong_rate = threshold,
                 precision = threshold;
  for (const CurvePoint& point : thinned(scores.curve, 0.001)) {
    const auto right = static_cast<double>(point.right), wrong = static_cast<double>(point.wrong);
    threshold.push_back(std::isinf(point.threshold) ? nlohmann::json() : nlohmann::json(point.threshold));
    recall.push_back(right / static_cast<double>(scores.curve.back().right));
    wrong_rate.push_back(wrong / static_cast<double>(scores.curve.back().wrong));
    precision.push_back(right + wrong > 0 ? right / (right + wrong) : 1);
  }
  return {{"top_2_accuracy", to_json(scores.top_2_accuracy)},
          {"roc_auc", to_json(scores.roc_auc)},
          {"average_precision", to_json(scores.average_precision)},
          {"curve",
           {{"threshold", std::move(threshold)},
            {"recall", std::move(recall)},
            {"false_positive_rate", std::move(wrong_rate)},
            {"precision", std::move(precision)}}}};
}

nlohmann::json to_json(const ColumnScores& scores) {
  nlohmann::json list = nlohmann::json::array();
  for (const ValueScore& each : scores.values) {
    list.push_back({{"value", each.value},
                    {"n", each.n},
                    {"right", each.right},
                    {"accuracy", each.accuracy.value},
                    {"interval", {each.accuracy.low, each.accuracy.high}}});
  }
  return list;
}

}  // namespace mudra
