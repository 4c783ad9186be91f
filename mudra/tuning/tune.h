// `mudra tune`: trials trained until there are enough, in a file that outlives the process; then the best of
// them.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "mudra/experiment/experiment.h"
#include "mudra/tuning/halving.h"
#include "mudra/tuning/importance.h"
#include "mudra/tuning/tuning.h"

namespace mudra {

// "90", "90s", "10m", "2h" as seconds. Throws a usage Error that names `option`.
double parse_duration(const std::string& text, const std::string& option);

// A search as it stands in its file.
struct SearchResult {
  std::string name;
  std::vector<Trial> trials;
  std::vector<Importance> importance;

  const Trial* best() const { return best_of(trials); }
};

struct TuneEvents {
  std::function<void(const Tuning&, const Search&, const std::vector<Trial>&, int now)>
      step;  // a trial came to a rung
  std::stop_token stop;
};

struct TuningResult {
  std::vector<SearchResult> searches;  // the last of them is that of the model
  bool is_out_of_time = false;         // some trials are left
  double seconds = 0;                  // of this process

  const SearchResult& last() const { return searches.back(); }
};

// Trains trials until there are enough, or the time is over; several processes may do so on one file, and one
// that was killed is gone on with. Throws Error when it is stopped: nothing is lost.
TuningResult run_tuning(const Tuning& tuning, const std::filesystem::path& file,
                        const TuneEvents& events = {});

// The best trial's options, for `mudra train --options`. Throws Error when no trial has a score.
Options best_options(const Tuning& tuning, const SearchResult& search);

// Trains with each search's best options on its outer training part, and tests that once, on the outer test
// part. Nothing when a stop was requested.
struct Refit {
  Experiment experiment;  // of the last training
  ExperimentResult result;
};
std::optional<Refit> refit(const Tuning& tuning, const TuningResult& result,
                           const std::stop_token& stop = {});

// {best: {trial, score, loss, epochs, options}, trials: [{trial, score, loss, epochs, seconds, state,
// options, rungs:
//  [{epochs, score, loss, seconds, place}], problem}], importance: [{name, share, trials}]} of the last
//  search, and
// `folds`: the same of the others, each with its name. Scores are null for trials that have none.
nlohmann::json to_json(const Tuning& tuning, const TuningResult& result);

}  // namespace mudra
