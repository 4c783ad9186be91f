#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "mudra/core/number.h"
#include "mudra/tuning/tune.h"

namespace mudra {
namespace {

nlohmann::json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

nlohmann::json options_json(const SearchSpace& space, const Draw& draw) {
  nlohmann::json options = nlohmann::json::object();
  for (const auto& [name, text] : space.texts(draw)) {
    if (const auto whole = parse_number<int64_t>(text)) {
      options[name] = *whole;
    } else if (const auto number = parse_number<double>(text)) {
      options[name] = *number;
    } else {
      options[name] = text;
    }
  }
  return options;
}

nlohmann::json trial_json(const SearchSpace& space, const Trial& trial) {
  nlohmann::json rungs = nlohmann::json::array();
  double seconds = 0;
  for (const RungScore& rung : trial.rungs) {
    seconds += rung.seconds;
    rungs.push_back({{"epochs", rung.epochs},
                     {"score", rung.score},
                     {"loss", number_or_null(rung.loss)},
                     {"seconds", rung.seconds},
                     {"place", rung.order}});
  }
  const RungScore* last = trial.last();
  nlohmann::json document = {{"trial", trial.number},
                             {"score", last ? nlohmann::json(last->score) : nlohmann::json()},
                             {"loss", last ? number_or_null(last->loss) : nlohmann::json()},
                             {"epochs", last ? last->epochs : 0},
                             {"seconds", seconds},
                             {"state", name_of(trial.state)},
                             {"options", options_json(space, trial.draw)},
                             {"rungs", std::move(rungs)}};
  if (!trial.problem.empty()) document["problem"] = trial.problem;
  return document;
}

nlohmann::json search_json(const SearchSpace& space, const SearchResult& search) {
  nlohmann::json trials = nlohmann::json::array(), importance = nlohmann::json::array();
  for (const Trial& trial : search.trials) trials.push_back(trial_json(space, trial));
  for (const Importance& each : search.importance)
    importance.push_back({{"name", each.name}, {"share", each.share}, {"trials", each.trials}});
  nlohmann::json best;
  if (const Trial* trial = search.best()) {
    best = trial_json(space, *trial);
    for (const char* more : {"rungs", "state", "seconds"}) best.erase(more);
  }
  return {{"best", std::move(best)}, {"trials", std::move(trials)}, {"importance", std::move(importance)}};
}

}  // namespace

nlohmann::json to_json(const Tuning& tuning, const TuningResult& result) {
  nlohmann::json document = search_json(tuning.space, result.last());
  nlohmann::json folds = nlohmann::json::array();
  for (size_t s = 0; s + 1 < result.searches.size(); ++s) {
    nlohmann::json fold = search_json(tuning.space, result.searches[s]);
    fold["name"] = result.searches[s].name;
    folds.push_back(std::move(fold));
  }
  document["folds"] = std::move(folds);
  document["rungs"] = tuning.rungs;
  document["inner"] = tuning.inner;
  document["is_out_of_time"] = result.is_out_of_time;
  document["seconds"] = result.seconds;
  return document;
}

}  // namespace mudra
