#include "mudra/tuning/tune.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/hash.h"
#include "mudra/core/number.h"
#include "mudra/core/stopwatch.h"
#include "mudra/tuning/study.h"
#include "mudra/tuning/train_trial.h"

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
  last.pixels.add_to(hash);
  add_targets(last.targets.get(), last.size(), hash);
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

// Draws of the trials that tell something, the best first.
std::vector<Draw> tried(std::span<const Trial> trials) {
  std::vector<Draw> draws;
  for (const Trial* trial : ranked(trials)) draws.push_back(trial->draw);
  return draws;
}

// A token that asks to stop when `stop` does, or after some seconds.
class Deadline {
 public:
  Deadline(const std::stop_token& stop, double seconds) : forward_(stop, [this] { ended_.request_stop(); }) {
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

}  // namespace

double parse_duration(const std::string& text, const std::string& option) {
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::string unit = digits == text.npos ? "s" : text.substr(digits);
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  const double value = parse_number<double>(text.substr(0, digits)).value_or(0) * seconds;
  constexpr double most = 1e7;
  if (!(value > 0 && value <= most))
    throw usage_error("'" + text + "' is no time", option,
                      "Give seconds, minutes or hours, such as 90s, 10m or 2h");
  return value;
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
      result = train_trial(tuning, search, work->trial.draw, tuning.rungs[work->rung], work->weights, threads,
                           stop);
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
      study.put(*work, result.score, is_complete, is_complete ? std::vector<std::string>() : result.weights,
                keeps);
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
    made.experiment =
        prepare(tuning.data, best_options(tuning, result.searches[i]), tuning.split, tuning.extra);
    made.experiment.data_text = tuning.data_text;
    const Experiment& experiment = made.experiment;
    const auto batch =
        std::min<int64_t>(experiment.options.training.batch_size, experiment.training_data().size());
    ThreadTeam team(
        worthwhile_threads(network_to_train(experiment), batch, threads_allowed(tuning.options.run)));
    Trainer trainer = trainer_for(experiment, i, team);
    if (trainer.run({}, stop) == Ending::stopped) return std::nullopt;
    trainings.push_back(result_of(experiment, i, std::move(trainer), team));
  }
  made.result = conclude(made.experiment, std::move(trainings));
  return made;
}

}  // namespace mudra
