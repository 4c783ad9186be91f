#include "mudra/tuning/tuning.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/experiment/choices.h"
#include "mudra/experiment/experiment.h"
#include "mudra/tuning/halving.h"

namespace mudra {
namespace {

// The rows of an outer part that a search must not learn from.
Search make_search(Tuning& tuning, const Fold& outer) {
  Search search;
  search.name = outer.name;
  search.folds = outer.inner;
  for (Fold& fold : search.folds)
    fold.validation = outer.test;  // an image that only trains shows none of them
  search.with_extra = add_extra(tuning.data, tuning.options, tuning.extra, search.folds);
  for (Fold& fold : search.folds) fold.validation.clear();
  return search;
}

}  // namespace

std::string inner_split(const Dataset& data, std::span<const Row> rows) {
  constexpr size_t most = 3;
  if (data.groups.empty()) return "stratified-kfold:3";
  std::set<int32_t> groups;
  for (const Row row : rows) groups.insert(data.groups[row]);
  if (groups.size() < 2) return "stratified-kfold:3";
  return "group-kfold:" + std::to_string(std::min(most, groups.size()));
}

Tuning prepare_tuning(Dataset data, const Options& options, const TuneOptions& choices,
                      const std::vector<std::string>& given, std::vector<Extra> extra) {
  check_classes(data);
  Tuning tuning;
  tuning.options = options;
  tuning.choices = choices;
  const SearchSpace all = SearchSpace::named(choices.space);
  std::map<std::string, std::string> chosen;
  for (const auto& [name, text] : option_texts(options)) {
    const bool is_given = std::ranges::find(given, name) != given.end();
    if (is_given || (name == "network" && !options.from.empty())) chosen[name] = text;
  }
  tuning.space = all.without(chosen);
  for (const auto& [name, text] : chosen) {
    if (std::ranges::find(all.dimensions(), name, &Dimension::name) != all.dimensions().end())
      tuning.fixed.push_back(name);
  }
  if (tuning.space.dimensions().empty())
    throw usage_error("everything in it is chosen already", "--space", "Leave out one of those options");
  tuning.space.check_networks(options, data);
  tuning.data = std::move(data);
  tuning.extra = std::move(extra);
  tuning.split = make_split(tuning.data, options.split, options.seed);
  std::vector<Fold> outer = tuning.split.folds;
  if (outer.size() > 1) outer.push_back({rows_of(tuning.data, tuning.split), {}, "all images"});
  tuning.inner = choices.inner.empty() ? inner_split(tuning.data, outer[0].train) : choices.inner;
  for (Fold& fold : outer) {
    Split one{"", {fold}};
    nest_split(tuning.data, tuning.inner, options.seed, one);
    tuning.searches.push_back(make_search(tuning, one.folds[0]));
  }
  tuning.rungs = rungs_of(options.training.epochs, choices.halving);
  return tuning;
}

Tuning read_tuning(Options options, const TuneOptions& choices, const std::vector<std::string>& given,
                   const Progress& progress) {
  ThreadTeam team(threads_allowed(options.run));
  options.given.insert("from");  // a search is among networks
  LoadedData loaded = load_and_choose(options, team, progress);
  std::vector<Extra> extra = load_extra(options, loaded.data, team, progress);
  Tuning tuning = prepare_tuning(std::move(loaded.data), options, choices, given, std::move(extra));
  tuning.data_text = std::move(loaded.text);
  return tuning;
}

}  // namespace mudra
