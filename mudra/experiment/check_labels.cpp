#include "mudra/experiment/check_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_set>
#include <utility>

#include "mudra/core/text.h"

namespace mudra {
namespace {

// Images tested that have another of their photograph in the training part of their fold.
int64_t copies_in_training(const Experiment& experiment) {
  const std::vector<int32_t>& photographs = experiment.data.photographs;
  int64_t images = 0;
  if (photographs.empty()) return images;
  for (const Fold& fold : experiment.split.folds) {
    std::unordered_set<int32_t> trained;
    for (const Row row : fold.train) trained.insert(photographs[row]);
    images += std::ranges::count_if(fold.test, [&](Row row) { return trained.contains(photographs[row]); });
  }
  return images;
}

std::vector<std::string> warnings_of(const Experiment& experiment, const LabelErrors& errors) {
  const Dataset& data = experiment.data;
  std::vector<std::string> warnings;
  const int64_t copies = copies_in_training(experiment);
  if (copies > 0) {
    warnings.push_back(
        fmt::format("{} of the pictures have a copy of their photograph in the training part: a wrong label "
                    "stands on the "
                    "copy, too, was learned by heart and stays hidden. Leave out --split, or split by group.",
                    thousands(copies)));
  } else if (data.groups.empty() && data.photographs.empty()) {
    warnings.emplace_back(
        "Whose hands the pictures show is not known. Where copies or near copies of a picture are among the "
        "others, networks learn its wrong label by heart from them and it stays hidden: name the hands with "
        "--groups FILE.");
  } else if (!data.groups.empty() && images_of_trained_groups(experiment) > 0) {
    warnings.emplace_back(
        "The split put pictures of one hand into training and test: wrong labels that other pictures of the "
        "hand share stay hidden. Leave out --split, or split by group.");
  }
  std::set<Row> tested;
  for (const Fold& fold : experiment.split.folds) tested.insert(fold.test.begin(), fold.test.end());
  if (const auto count = static_cast<int64_t>(tested.size()); count < data.size()) {
    warnings.push_back(fmt::format("The split tests {} of the {} pictures: only those were checked.",
                                   thousands(count), thousands(data.size())));
  }
  warnings.insert(warnings.end(), errors.warnings.begin(), errors.warnings.end());
  return warnings;
}

// Folds that keep every photograph whole, where nothing but photographs is known.
Split split_by_photograph(const Dataset& data, const Options& options) {
  Dataset by = data;
  const std::set<int32_t> distinct(data.photographs.begin(), data.photographs.end());
  const std::vector<int32_t> numbers(distinct.begin(), distinct.end());
  for (const int32_t photograph : data.photographs) {
    by.groups.push_back(
        static_cast<int32_t>(std::ranges::lower_bound(numbers, photograph) - numbers.begin()));
  }
  for (const int32_t photograph : numbers) by.group_names.push_back(std::to_string(photograph));
  return make_split(by, options.split, options.seed, true);
}

}  // namespace

Experiment prepare_check(LoadedData loaded, const Options& options, std::vector<Extra> extra) {
  const Dataset& data = loaded.data;
  const bool by_photograph =
      data.groups.empty() && !data.photographs.empty() && options.split.starts_with("group-kfold");
  Split split = by_photograph ? split_by_photograph(data, options)
                              : make_split(data, options.split, options.seed, true);
  Experiment experiment = prepare(std::move(loaded.data), options, std::move(split), std::move(extra));
  if (experiment.trains_on_all()) experiment.folds.pop_back();
  experiment.data_text = std::move(loaded.text);
  experiment.chosen = std::move(loaded.chosen);
  return experiment;
}

std::optional<LabelCheck> check_labels(Experiment experiment, ThreadTeam& team,
                                       const ExperimentEvents& events, const std::stop_token& stop) {
  std::optional<ExperimentResult> result = run_experiment(experiment, team, events, stop);
  if (!result) return std::nullopt;
  LabelCheck check{std::move(experiment), *std::move(result), {}, {}};
  const Experiment& made = check.experiment;
  check.errors = check.result.labels ? *std::exchange(check.result.labels, {})
                                     : find_label_errors(made.data, made.split.folds, check.result.answers);
  check.warnings = warnings_of(check.experiment, check.errors);
  const std::vector<std::string> trained = training_warnings(check.experiment, check.result);
  check.warnings.insert(check.warnings.end(), trained.begin(), trained.end());
  return check;
}

nlohmann::json to_json(const Dataset& data, std::span<const LabelSuspect> suspects) {
  nlohmann::json rows = nlohmann::json::array();
  for (const LabelSuspect& suspect : suspects) {
    const Row row = suspect.row;
    nlohmann::json file, group;
    if (!data.files.empty()) file = data.files[row];
    if (!data.groups.empty()) group = data.group_names[static_cast<size_t>(data.groups[row])];
    rows.push_back({{"row", data.source_row(row)},
                    {"file", std::move(file)},
                    {"group", std::move(group)},
                    {"label", data.classes[static_cast<size_t>(data.labels[row])]},
                    {"suggestion", data.classes[static_cast<size_t>(suspect.suggestion)]},
                    {"confidence", suspect.confidence}});
  }
  return rows;
}

}  // namespace mudra
