#include "mudra/tuning/tune.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/hash.h"
#include "mudra/core/number.h"
#include "mudra/core/stopwatch.h"
#include "mudra/experiment/choices.h"

namespace mudra {
namespace {

// Of every pixel, label and group, and of what divides them: a search goes on with the same images only.
std::string fingerprint(const Tuning& tuning) {
  Hash128 hash;
  for (const Search& search : tuning.searches) {
    const Dataset& data = tuning.data_of(search);
    split_text({search.name, search.folds}, data.size(), [&](std::string_view text) { hash.add(text); });
  }
  for (const std::string& name : tuning.data.classes) hash.add(name + '\0');
  const Dataset& last = tuning.data_of(tuning.searches.back());
  hash.add_values(last.labels);
  hash.add_values(last.example_weights);
  hash.add(last.pixels.shape().text());
  std::vector<float> image(static_cast<size_t>(last.pixels.shape().per_example()));
  for (int64_t row = 0; row < last.size(); ++row) {
    last.pixels.read(row, image.data());
    hash.add_values(image);
  }
  return hash.text();
}

std::map<std::string, std::string> plan_of(const Tuning& tuning) {
  Options same = tuning.options;
  same.run = {};
  return {{"data", fingerprint(tuning)},
          {"options", to_toml(same)},
          {"--space", tuning.space.text()},
          {"--inner", tuning.inner},
          {"--sampler", std::string(name_of(tuning.choices.sampler))},
          {"--halving", std::to_string(tuning.choices.halving)}};
}

// The rows of an outer part that a search must not learn from.
Search make_search(Tuning& tuning, const Fold& outer) {
  Search search;
  search.name = outer.name;
  search.folds = outer.inner;
  for (Fold& fold : search.folds) fold.validation = outer.test;  // an image that only trains shows none of them
  search.with_extra = add_extra(tuning.data, tuning.options, tuning.extra, search.folds);
  for (Fold& fold : search.folds) fold.validation.clear();
  return search;
}

class InnerTrainings {
 public:
  InnerTrainings(const Tuning& tuning, const Search& search, const Draw& draw)
      : search_(search), data_(tuning.data_of(search)), options_(tuning.space.applied(tuning.options, draw)) {
    network_ = network_for(options_, tuning.data);
    network_.initialize(options_.init, options_.seed);
    const auto layers = static_cast<int>(network_.layers.size());
    if (options_.training.freeze >= layers)
      throw usage_error("leaves none of the " + std::to_string(layers) + " layers to train", "--freeze");
  }

  // Trains fold by fold, or the folds at once where a step is not worth several threads.
  TrialResult run(int epochs, const std::vector<std::string>& weights, int threads, const std::stop_token& stop) {
    const size_t folds = search_.folds.size();
    endings_.assign(folds, Ending::finished);
    results_.assign(folds, {});
    const bool goes_on = weights.size() == folds;
    const auto batch = std::min<int64_t>(options_.training.batch_size, data_.size());
    const int together = worthwhile_threads(network_, batch, threads);
    const int at_once = together >= threads ? 1 : std::min<int>(threads, static_cast<int>(folds));
    ThreadTeam folds_team(at_once);
    folds_team.run(static_cast<int64_t>(folds), [&](int64_t fold) {
      const auto at = static_cast<size_t>(fold);
      ThreadTeam team(at_once == 1 ? together : 1);
      train(at, epochs, goes_on ? weights[at] : std::string(), team, stop);
    });
    return pooled();
  }

 private:
  struct FoldScore {
    double score = 0, loss = 0, seconds = 0;
    std::string weights, problem;
  };

  void train(size_t fold, int epochs, const std::string& weights, ThreadTeam& team, const std::stop_token& stop) {
    Trainer trainer(network_, data_, search_.folds[fold], options_.training, options_.seed, team);
    if (!weights.empty()) {
      try {
        trainer.restore(weights, "the weights of a trial");
      } catch (const Error&) {  // damaged; from the start it comes to the same
        return train(fold, epochs, {}, team, stop);
      }
    }
    const size_t before = trainer.history().size();
    endings_[fold] = trainer.run(epochs, {}, stop);
    FoldScore& result = results_[fold];
    result.problem = trainer.problem();
    if (endings_[fold] == Ending::stopped || endings_[fold] == Ending::diverged) return;
    result.score = trainer.history().back().accuracy_held_out;
    result.loss = trainer.history().back().loss_held_out;
    for (size_t e = before; e < trainer.history().size(); ++e) result.seconds += trainer.history()[e].seconds;
    result.weights = trainer.state();
    epochs_ = epochs;
  }

  TrialResult pooled() {
    TrialResult trial;
    for (size_t fold = 0; fold < results_.size(); ++fold) {
      FoldScore& result = results_[fold];
      if (endings_[fold] == Ending::diverged && trial.ending != Ending::diverged) {
        trial.ending = Ending::diverged;
        trial.problem = search_.folds[fold].name + ": " + result.problem;
      }
      if (endings_[fold] == Ending::stopped && trial.ending == Ending::finished) trial.ending = Ending::stopped;
      const auto folds = static_cast<double>(results_.size());
      trial.score.score += result.score / folds;
      trial.score.loss += result.loss / folds;
      trial.score.seconds += result.seconds;
      trial.weights.push_back(std::move(result.weights));
    }
    trial.score.epochs = epochs_;
    return trial;
  }

  const Search& search_;
  const Dataset& data_;
  Options options_;
  Network network_;
  std::atomic<int> epochs_{0};
  std::vector<Ending> endings_;
  std::vector<FoldScore> results_;
};

// Draws of the trials that tell something, the best first.
std::vector<Draw> tried(std::span<const Trial> trials) {
  std::vector<Draw> draws;
  for (const Trial* trial : ranked(trials)) draws.push_back(trial->draw);
  return draws;
}

// A token that asks to stop when `stop` does, or after some seconds.
class Deadline {
 public:
  Deadline(const std::stop_token& stop, double seconds)
      : forward_(stop, [this] { ended_.request_stop(); }) {
    if (seconds <= 0) return;
    timer_ = std::jthread([this, seconds](const std::stop_token& over) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any never;
      never.wait_for(lock, over, std::chrono::duration<double>(seconds), [] { return false; });
      if (!over.stop_requested()) ended_.request_stop();
    });
  }
  std::stop_token token() const { return ended_.get_token(); }

 private:
  std::stop_source ended_;
  std::stop_callback<std::function<void()>> forward_;
  std::jthread timer_;
};

// Whether a search with these rungs can have left a trial so: a file may be damaged.
bool can_be(const Tuning& tuning, const Trial& trial) {
  const size_t most = tuning.rungs.size();
  if (!tuning.space.could_draw(trial.draw) || trial.rungs.size() > most) return false;
  for (size_t i = 0; i < trial.rungs.size(); ++i) {
    const RungScore& rung = trial.rungs[i];
    if (rung.epochs != tuning.rungs[i] || !(rung.score >= 0 && rung.score <= 1)) return false;
  }
  const bool has_all = trial.rungs.size() == most;
  return has_all == (trial.state == TrialState::complete);
}

void check_trials(const Tuning& tuning, std::span<const Trial> trials, const std::filesystem::path& file) {
  for (const Trial& trial : trials) {
    if (can_be(tuning, trial)) continue;
    throw Error("is damaged: trial " + std::to_string(trial.number) + " cannot be of this search",
                file.string(), "Name another folder with --out to search anew");
  }
}

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

double parse_duration(const std::string& text, const std::string& option) {
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::string unit = digits == text.npos ? "s" : text.substr(digits);
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  const double value = parse_number<double>(text.substr(0, digits)).value_or(0) * seconds;
  constexpr double most = 1e7;
  if (!(value > 0 && value <= most))
    throw usage_error("'" + text + "' is no time", option, "Give seconds, minutes or hours, such as 90s, 10m or 2h");
  return value;
}

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
  tuning.space = all.without(given);
  for (const std::string& name : given) {
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
  LoadedData loaded = load_and_choose(options, team, progress);
  std::vector<Extra> extra = load_extra(options, loaded.data, team, progress);
  Tuning tuning = prepare_tuning(std::move(loaded.data), options, choices, given, std::move(extra));
  tuning.data_text = std::move(loaded.text);
  return tuning;
}

TrialResult train_trial(const Tuning& tuning, const Search& search, const Draw& draw, int epochs,
                        const std::vector<std::string>& weights, int threads, const std::stop_token& stop) {
  try {
    return InnerTrainings(tuning, search, draw).run(epochs, weights, threads, stop);
  } catch (const Error& error) {
    return {.ending = Ending::diverged, .score = {}, .weights = {}, .problem = error.what()};
  }
}

TuningResult run_tuning(const Tuning& tuning, const std::filesystem::path& file, const TuneEvents& events) {
  const Stopwatch watch;
  const TuneOptions& choices = tuning.choices;
  const int threads = threads_allowed(tuning.options.run);
  Study study(file, plan_of(tuning));
  const Deadline deadline(events.stop, choices.seconds);
  const std::stop_token stop = deadline.token();
  bool is_any_running = false;  // in another process, when this one last looked for work
  const auto decide = [&](std::span<const Trial> trials) -> std::optional<NextStep> {
    check_trials(tuning, trials, file);
    for (const Trial& trial : trials) is_any_running = is_any_running || trial.state == TrialState::running;
    return next_step(trials, tuning.rungs, choices.halving, choices.trials);
  };
  const auto draw = [&](std::span<const Trial> trials, int number) {
    return draw_trial(tuning.space, choices.sampler, tried(trials), tuning.options.seed, number);
  };
  const auto keeps = [&](std::span<const Trial> trials, const Trial& trial) {
    return may_go_on(trials, trial, choices.halving, choices.trials);
  };
  bool is_over = false;
  while (!is_over && !stop.stop_requested()) {
    std::optional<Work> work;
    is_any_running = false;
    for (size_t s = 0; s < tuning.searches.size() && !work; ++s)
      work = study.take(static_cast<int>(s), decide, draw);
    is_over = !work && !is_any_running;
    if (!work) {  // others may leave something to do
      if (!is_over) std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    const Search& search = tuning.searches[static_cast<size_t>(work->search)];
    TrialResult result;
    try {
      result = train_trial(tuning, search, work->trial.draw, tuning.rungs[work->rung], work->weights, threads, stop);
    } catch (...) {
      study.give_back(*work);
      throw;
    }
    if (result.ending == Ending::stopped) {
      study.give_back(*work);
      break;
    }
    if (result.ending == Ending::diverged) {
      study.fail(*work, result.problem);
    } else {
      const bool is_complete = work->rung + 1 == tuning.rungs.size();
      study.put(*work, result.score, is_complete, is_complete ? std::vector<std::string>() : result.weights, keeps);
    }
    if (events.step) events.step(tuning, search, study.trials(work->search), work->trial.number);
  }
  TuningResult found;
  for (size_t s = 0; s < tuning.searches.size(); ++s) {
    SearchResult search{tuning.searches[s].name, study.trials(static_cast<int>(s)), {}};
    check_trials(tuning, search.trials, file);
    search.importance = importances(tuning.space, search.trials);
    found.searches.push_back(std::move(search));
  }
  found.is_out_of_time = !is_over;
  found.seconds = watch.seconds();
  if (events.stop.stop_requested()) {
    throw Error("stopped, nothing is lost", file.string(), "Go on with the same command");
  }
  return found;
}

Options best_options(const Tuning& tuning, const SearchResult& search) {
  const Trial* best = search.best();
  if (best == nullptr) {
    const bool have_all_failed =
        !search.trials.empty() && std::ranges::all_of(search.trials, [](const Trial& trial) {
          return trial.state == TrialState::failed;
        });
    throw Error(have_all_failed ? "every training diverged: " + search.trials.front().problem
                                : "no trial came to its first score, after " +
                                      std::to_string(tuning.rungs[0]) + " epochs",
                search.name.empty() ? "the search" : "the search of " + search.name,
                have_all_failed ? "Give the learning rate a lower limit in --space"
                                : "Give more --time, or fewer --epochs; the same command goes on");
  }
  return tuning.space.applied(tuning.options, best->draw);
}

std::optional<Refit> refit(const Tuning& tuning, const TuningResult& result, const std::stop_token& stop) {
  Refit made;
  std::vector<FoldResult> trainings;
  for (size_t i = 0; i < tuning.searches.size(); ++i) {
    made.experiment = prepare(tuning.data, best_options(tuning, result.searches[i]), tuning.split, tuning.extra);
    made.experiment.data_text = tuning.data_text;
    const Experiment& experiment = made.experiment;
    const auto batch = std::min<int64_t>(experiment.options.training.batch_size, experiment.training_data().size());
    ThreadTeam team(worthwhile_threads(experiment.initial.network, batch, threads_allowed(tuning.options.run)));
    Trainer trainer = trainer_for(experiment, i, team);
    if (trainer.run({}, stop) == Ending::stopped) return std::nullopt;
    trainings.push_back(result_of(experiment, i, std::move(trainer), team));
  }
  made.result = conclude(made.experiment, std::move(trainings));
  return made;
}

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
