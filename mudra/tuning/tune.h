// `mudra tune`: better options, chosen by images that the test part does not hold.
//
// The data are split as for a training. Every outer fold's training part is divided once more, by group where groups
// are known: a trial trains on the inner folds' training parts, and its score is the mean accuracy on what they hold
// out. The outer test part chooses nothing. With several outer folds each has a search of its own, and so has the
// training on all images in the end, as `mudra train` has one more training: the tests of the folds then tell how
// good it is to search and train so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "mudra/core/progress.h"
#include "mudra/core/thread_team.h"
#include "mudra/experiment/experiment.h"
#include "mudra/tuning/halving.h"
#include "mudra/tuning/importance.h"
#include "mudra/tuning/sampler.h"
#include "mudra/tuning/space.h"
#include "mudra/tuning/study.h"

namespace mudra {

// What a person may choose about a search, beside the options that all its trials have.
struct TuneOptions {
  std::string space = "default";
  int trials = 40;     // in all, not in addition to those that are there
  double seconds = 0;  // to begin nothing more after; 0: no limit
  std::string inner;   // how a training part is divided; empty: as inner_split() says
  SamplerKind sampler = SamplerKind::tpe;
  int halving = 3;  // of so many trials one goes on; 1: all do
};

// "90", "90s", "10m", "2h" as seconds. Throws a usage Error that names `option`.
double parse_duration(const std::string& text, const std::string& option);

// What stays the same for all trials. A plain value; trials refer to it.
struct Search {
  std::string name;                   // of the outer fold; empty when there is one
  std::vector<Fold> folds;            // inner ones; what they hold out is their test part
  std::optional<Dataset> with_extra;  // that the rows are of, if images are added that only train
};

struct Tuning {
  Options options;           // that all trials have
  TuneOptions choices;
  std::vector<std::string> fixed;  // options of the space that somebody has chosen
  SearchSpace space;
  Dataset data;
  std::string data_text;
  std::vector<Extra> extra;  // with their pixels
  Split split;               // outer
  std::string inner;         // how its training parts are divided
  std::vector<int> rungs;
  std::vector<Search> searches;  // one for each outer fold, and with several of them one for all images

  const Dataset& data_of(const Search& search) const { return search.with_extra ? *search.with_extra : data; }
};

// How a training part is divided unless somebody says so: by group into three, or as many as there are groups; within
// classes where groups are not known.
std::string inner_split(const Dataset& data, std::span<const Row> rows);

// Reads the data and what is to be added to it, then does as prepare_tuning() does.
Tuning read_tuning(Options options, const TuneOptions& choices, const std::vector<std::string>& given,
                   const Progress& progress = {});

// `given`: names of options that somebody chose for all trials. Throws Error for what cannot be.
Tuning prepare_tuning(Dataset data, const Options& options, const TuneOptions& choices,
                      const std::vector<std::string>& given, std::vector<Extra> extra = {});

// What a trial came to at a rung.
struct TrialResult {
  Ending ending = Ending::finished;
  RungScore score;
  std::vector<std::string> weights;  // a state for each inner fold
  std::string problem;               // why it diverged
};

// Trains a trial's networks, one for each inner fold, until `epochs` are whole: from the start, or from `weights`.
// Same bits for any number of threads.
TrialResult train_trial(const Tuning& tuning, const Search& search, const Draw& draw, int epochs,
                        const std::vector<std::string>& weights, int threads, const std::stop_token& stop);

// A search as it stands in its file.
struct SearchResult {
  std::string name;
  std::vector<Trial> trials;
  std::vector<Importance> importance;

  const Trial* best() const { return best_of(trials); }
};

struct TuneEvents {
  std::function<void(const Tuning&, const Search&, const std::vector<Trial>&, int now)> step;  // a trial came to a rung
  std::stop_token stop;
};

struct TuningResult {
  std::vector<SearchResult> searches;  // the last of them is that of the model
  bool is_out_of_time = false;         // some trials are left
  double seconds = 0;                  // of this process

  const SearchResult& last() const { return searches.back(); }
};

// Trains trials until there are enough, or the time is over; several processes may do so on one file, and one that
// was killed is gone on with. Throws Error when it is stopped: nothing is lost.
TuningResult run_tuning(const Tuning& tuning, const std::filesystem::path& file, const TuneEvents& events = {});

// The best trial's options, for `mudra train --options`. Throws Error when no trial has a score.
Options best_options(const Tuning& tuning, const SearchResult& search);

// Trains with each search's best options on its outer training part, and tests that once, on the outer test part.
// Nothing when a stop was requested.
struct Refit {
  Experiment experiment;  // of the last training
  ExperimentResult result;
};
std::optional<Refit> refit(const Tuning& tuning, const TuningResult& result, const std::stop_token& stop = {});

// {best: {trial, score, loss, epochs, options}, trials: [{trial, score, loss, epochs, seconds, state, options, rungs:
//  [{epochs, score, loss, seconds, place}], problem}], importance: [{name, share, trials}]} of the last search, and
// `folds`: the same of the others, each with its name. Scores are null for trials that have none.
nlohmann::json to_json(const Tuning& tuning, const TuningResult& result);

}  // namespace mudra
