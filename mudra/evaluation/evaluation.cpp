#include "mudra/evaluation/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mudra/core/error.h"
#include "mudra/core/text.h"

namespace mudra {

std::vector<int64_t> confusion_matrix(std::span<const int32_t> truth, std::span<const int32_t> predicted,
                                      size_t classes) {
  if (truth.size() != predicted.size()) {
    throw Error(fmt::format("{} labels but {} predictions", truth.size(), predicted.size()), "evaluation");
  }
  std::vector<int64_t> counts(classes * classes);
  auto index = [&](int32_t label) {
    if (label < 0 || static_cast<size_t>(label) >= classes) {
      throw Error(fmt::format("label {} is not one of {} classes", label, classes), "evaluation");
    }
    return static_cast<size_t>(label);
  };
  for (size_t i = 0; i < truth.size(); ++i) {
    const size_t row = index(truth[i]) * classes;
    if (predicted[i] != refused) ++counts[row + index(predicted[i])];
  }
  return counts;
}

IndependentUnits units_of(const Dataset& data, uint64_t seed) {
  return {data.groups, data.photographs, seed, data.group_names};
}

static std::vector<GroupScore> group_scores(std::span<const uint8_t> right, const IndependentUnits& units) {
  std::vector<GroupScore> scores;
  for (const std::string& name : units.group_names) scores.push_back({name});
  for (size_t i = 0; i < right.size() && !units.groups.empty() && !scores.empty(); ++i) {
    GroupScore& score = scores[static_cast<size_t>(units.groups[i])];
    ++score.n;
    score.right += right[i];
  }
  std::erase_if(scores, [](const GroupScore& score) { return score.n == 0; });
  std::ranges::stable_sort(scores, {}, &GroupScore::accuracy);
  return scores;
}

static Refusals refusals_of(std::span<const int32_t> predicted, std::span<const uint8_t> right,
                            const IndependentUnits& units, int32_t none) {
  std::vector<uint8_t> refusals, right_answers;
  std::vector<int32_t> photographs;
  for (size_t i = 0; i < predicted.size(); ++i) {
    refusals.push_back(predicted[i] == refused || predicted[i] == none);
    if (refusals.back()) continue;
    right_answers.push_back(right[i]);
    if (!units.photographs.empty()) photographs.push_back(units.photographs[i]);
  }
  const auto answered = static_cast<int64_t>(right_answers.size());
  const int64_t refused_images = static_cast<int64_t>(predicted.size()) - answered;
  Refusals found{refused_images, accuracy_interval(refusals, units), answered, 0, 0, {}};
  if (right_answers.empty()) return found;
  found.right = std::ranges::count(right_answers, 1);
  found.accuracy = static_cast<double>(found.right) / static_cast<double>(answered);
  found.accuracy_interval =
      accuracy_interval(right_answers, {.photographs = photographs, .seed = units.seed});
  return found;
}

int64_t Evaluation::refused_of(size_t truth) const {
  const auto row = confusion.begin() + static_cast<std::ptrdiff_t>(truth * classes.size());
  return per_class[truth].support -
         std::accumulate(row, row + static_cast<std::ptrdiff_t>(classes.size()), int64_t{0});
}

Evaluation evaluate(std::span<const int32_t> truth, const Answers& answers,
                    std::span<const std::string> classes, const IndependentUnits& units,
                    std::span<const Column> columns, bool may_refuse, int32_t none) {
  if (truth.empty()) {
    throw Error("there is no image to evaluate", "evaluation", "Give data with at least one labelled image");
  }
  const std::vector<int32_t>& predicted = answers.labels;
  if (static_cast<size_t>(answers.classes) != classes.size() ||
      answers.probabilities.size() != answers.size() * classes.size()) {
    throw Error(fmt::format("{} probabilities for {} images of {} classes", answers.probabilities.size(),
                            answers.size(), classes.size()),
                "evaluation");
  }
  Evaluation result;
  result.n = static_cast<int64_t>(truth.size());
  result.classes.assign(classes.begin(), classes.end());
  result.confusion = confusion_matrix(truth, predicted, classes.size());
  std::vector<int64_t> support(classes.size());
  for (const int32_t label : truth) ++support[static_cast<size_t>(label)];
  result.per_class = class_scores(result.confusion, support, classes);
  result.text = classification_report(result.per_class);

  std::vector<uint8_t> right(truth.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    right[i] = truth[i] == predicted[i];
    result.right += right[i];
    result.refused += predicted[i] == refused;
  }
  result.accuracy = static_cast<double>(result.right) / static_cast<double>(result.n);
  result.interval = accuracy_interval(right, units);
  if (may_refuse || result.refused > 0 || none != refused)
    result.refusals = refusals_of(predicted, right, units, none);
  const Resampling tests(truth.size(), classes.size(), units);
  result.scores = scores_of(truth, answers, tests);
  for (const Column& column : columns) result.by.push_back(scores_by(column, right, tests));
  result.groups = group_scores(right, units);
  if (result.groups.empty()) return result;
  result.new_group = NewGroup{0, new_hand_interval(right, units.groups)};
  for (const GroupScore& group : result.groups)
    result.new_group->accuracy += group.accuracy() / static_cast<double>(result.groups.size());
  return result;
}

Baseline baseline(const Evaluation& evaluation) {
  const auto largest = std::ranges::max_element(evaluation.per_class, {}, &ReportRow::support);
  return {static_cast<size_t>(largest - evaluation.per_class.begin()),
          static_cast<double>(largest->support) / static_cast<double>(evaluation.n)};
}

std::vector<std::string> warnings_of(const Evaluation& evaluation) {
  constexpr size_t most_named = 12;  // beyond, classes are counted rather than listed
  std::vector<std::string> warnings;
  const Baseline base = baseline(evaluation);
  if (evaluation.interval.low <= base.share && evaluation.refused < evaluation.n) {
    warnings.push_back(fmt::format(
        "This is not clearly better than always answering {} ({}). Train with more `--epochs`, another "
        "`--learning-rate` or more pictures of each class.",
        display_name(evaluation.classes[base.answer], 24), percent(base.share)));
  }
  std::vector<std::string> unseen, answers;
  for (const ReportRow& row : evaluation.per_class) {
    if (row.support == 0) unseen.push_back(row.name);
    if (row.predicted > 0) answers.push_back(row.name);
  }
  if (evaluation.refused == evaluation.n) {
    warnings.emplace_back(
        "The model refused every picture. Look at what was read with `mudra data inspect`; a model trained "
        "with a smaller `--refuse` gives more answers.");
  } else if (answers.size() == 1 && evaluation.n > evaluation.refused + 1) {
    warnings.push_back(fmt::format(
        "Every picture {}got the same answer: {}. Look at what was read with `mudra data inspect`, and train "
        "with a lower `--learning-rate`.",
        evaluation.refused > 0 ? "that was not refused " : "", display_name(answers[0], 24)));
  }
  if (!unseen.empty()) {
    const std::string what = unseen.size() > most_named
                                 ? fmt::format("{} of {} classes have no picture in this test.",
                                               thousands(static_cast<int64_t>(unseen.size())),
                                               thousands(static_cast<int64_t>(evaluation.classes.size())))
                                 : "No picture in this test shows " + listed(unseen, "or") + ".";
    warnings.push_back(what + " Test on some pictures of every class.");
  }
  return warnings;
}

nlohmann::json confusion_rows(std::span<const int64_t> confusion, size_t classes) {
  nlohmann::json rows = nlohmann::json::array();
  for (size_t truth = 0; truth < classes; ++truth) {
    const auto row = confusion.subspan(truth * classes, classes);
    rows.push_back(std::vector<int64_t>(row.begin(), row.end()));
  }
  return rows;
}

nlohmann::json to_json(const Evaluation& evaluation) {
  const size_t classes = evaluation.classes.size();
  nlohmann::json per_class = nlohmann::json::array();
  for (size_t i = 0; i < classes; ++i) {
    const ReportRow& scores = evaluation.per_class[i];
    per_class.push_back({{"label", scores.name},
                         {"precision", scores.precision},
                         {"recall", scores.recall},
                         {"f1", scores.f1},
                         {"support", scores.support}});
    per_class.back().update(to_json(evaluation.scores.per_class[i]));
  }
  nlohmann::json groups = nlohmann::json::array();
  for (const GroupScore& group : evaluation.groups) {
    groups.push_back(
        {{"group", group.name}, {"n", group.n}, {"right", group.right}, {"accuracy", group.accuracy()}});
  }
  nlohmann::json by = nlohmann::json::object();
  for (const ColumnScores& column : evaluation.by) by[column.column] = to_json(column);
  nlohmann::json new_group;
  if (evaluation.new_group) {
    const Interval& interval = evaluation.new_group->interval;
    new_group = {{"accuracy", evaluation.new_group->accuracy},
                 {"interval", {interval.low, interval.high}},
                 {"interval_method", interval.method},
                 {"groups", interval.independent}};
  }
  nlohmann::json refused_interval, answered;
  int64_t refused_images = 0;
  if (const auto& found = evaluation.refusals) {
    refused_images = found->refused;
    refused_interval = {found->interval.low, found->interval.high};
    answered = {{"n", found->answered}, {"accuracy", nullptr}, {"interval", nullptr}};
    if (found->answered > 0) {
      answered["accuracy"] = found->accuracy;
      answered["interval"] = {found->accuracy_interval.low, found->accuracy_interval.high};
    }
  }
  const nlohmann::json accuracy_answered =
      answered.is_null() ? nlohmann::json(evaluation.accuracy) : answered["accuracy"];
  return {{"n", evaluation.n},
          {"refused", static_cast<double>(refused_images) / static_cast<double>(evaluation.n)},
          {"refused_images", refused_images},
          {"refused_interval", std::move(refused_interval)},
          {"answered", std::move(answered)},
          {"accuracy_answered", accuracy_answered},
          {"accuracy", evaluation.accuracy},
          {"interval", {evaluation.interval.low, evaluation.interval.high}},
          {"interval_method", evaluation.interval.method},
          {"interval_unit", evaluation.interval.unit},
          {"interval_units", evaluation.interval.independent},
          {"new_group", std::move(new_group)},
          {"labels", evaluation.classes},
          {"confusion", confusion_rows(evaluation.confusion, classes)},
          {"per_class", std::move(per_class)},
          {"groups", std::move(groups)},
          {"scores", to_json(evaluation.scores)},
          {"by", std::move(by)},
          {"text", evaluation.text}};
}

}  // namespace mudra
