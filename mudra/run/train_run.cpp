#include "mudra/run/train_run.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/features/augmentation.h"
#include "mudra/run/checkpoint.h"
#include "mudra/run/load_data.h"
#include "mudra/run/run_folder.h"
#include "mudra/run/stopwatch.h"
#include "mudra/training/class_weights.h"

namespace mudra {
namespace {

using Json = nlohmann::json;

// {"train", "held_out"} and, where there is such a part, "validation".
Json parts(double train, double validation, double held_out) {
  Json json = {{"train", train}, {"held_out", held_out}};
  if (!std::isnan(validation)) json["validation"] = validation;
  return json;
}

std::string metrics_lines(const Run& run) {
  std::string lines;
  for (size_t fold = 0; fold < run.histories.size(); ++fold) {
    for (const Epoch& epoch : run.histories[fold]) {
      Json line = {
          {"epoch", epoch.number},
          {"learning_rate", epoch.rate},
          {"loss", parts(epoch.loss_train, epoch.loss_validation, epoch.loss_held_out)},
          {"accuracy", parts(epoch.accuracy_train, epoch.accuracy_validation, epoch.accuracy_held_out)}};
      if (run.split.folds.size() > 1) line["fold"] = run.split.folds[fold].name;
      lines += line.dump() + "\n";
    }
  }
  return lines;
}

void check_together(const Options& options) {
  Augmentation::parse(options.augment);  // refuse it before any work is done
  if (options.patience > 0 && options.validation == 0) {
    throw usage_error("needs a validation part, for the test part may choose nothing", "--patience",
                      "Add --validation 0.1");
  }
}

Split with_validation(const Run& run, Split split) {
  if (run.options.validation > 0)
    cut_validation(run.data, run.options.split, run.options.validation, run.options.seed, split);
  return split;
}

// Everything that is settled before training; refuses what can be refused.
Run prepare(const Options& options, const RunEvents& events) {
  check_together(options);
  Run run;
  run.options = options;
  ThreadTeam team(threads_allowed(options));
  std::tie(run.data, run.data_text) =
      load_data(options, team, events.reading ? events.reading() : Progress());
  if (run.data.classes.size() < 2) {
    throw Error(
        "all images are of one class, '" + run.data.classes.at(0) + "': there is nothing to tell apart",
        run.data.source, "Add images of another class");
  }
  run.split = with_validation(run, make_split(run.data, options.split, options.seed));
  class_weights(options.class_weights, run.data, run.split.folds[0].train);
  const Shape& images = run.data.pixels.shape();
  run.model.classes = run.data.classes;
  run.model.preprocessing = {static_cast<int>(images[1]), static_cast<int>(images[2]),
                             static_cast<int>(images[3]),
                             options.fit == "stretch" ? Fit::stretch : Fit::keep_aspect};
  run.initial = network_for(options, run.data);
  run.initial.initialize(initialization(options.init), options.seed);
  return run;
}

// When to write the next checkpoint: --checkpoint seconds apart, but never more than a twentieth of the time.
class CheckpointClock {
 public:
  explicit CheckpointClock(double seconds) : seconds_(seconds), wait_(seconds) {}
  bool is_due() const { return since_.seconds() >= wait_; }
  template <class Save>
  void save(Save&& work) {
    const Stopwatch cost;
    work();
    wait_ = seconds_ > 0 ? std::max(seconds_, 20 * cost.seconds()) : 0;
    since_ = Stopwatch();
  }

 private:
  double seconds_, wait_;
  Stopwatch since_;
};

// Trains and tests the folds of a run that has its folder, from the start or from its checkpoint.
class Folds {
 public:
  Folds(Run& run, const RunEvents& events, ThreadTeam& team)
      : run_(run), events_(events), team_(team), clock_(run.options.checkpoint) {
    TrainingState fresh = start_training(run.initial, run.options);
    done_.identity = identity_of(run.options, run.split, run.data);
    if (std::filesystem::exists(checkpoint_path(run.folder))) {
      done_ = load_checkpoint(run.folder, done_.identity, fresh);
    } else {
      done_.state = std::move(fresh);
    }
  }

  void train_all() {
    const std::vector<Fold>& folds = run_.split.folds;
    while (done_.folds.size() < folds.size()) {
      const Fold& fold = folds[done_.folds.size()];
      Training training = train_one(fold);
      const Stopwatch watch;
      Answers answers = answers_for(training.network, run_.data, fold.test, team_);
      done_.folds.push_back({std::move(training.history), training.kept_epoch, std::move(answers)});
      run_.seconds.evaluate += watch.seconds();
      done_.state = start_training(run_.initial, run_.options);
    }
    if (folds.size() > 1) {
      const Fold all{rows_of(run_.data, run_.split), {}, "all images"};
      train_one(with_validation(run_, {"", {all}}).folds[0]);
    }
    run_.trouble = done_.trouble;
  }

  // The tests of all folds together.
  void evaluate_all() {
    for (const Fold& fold : run_.split.folds)
      run_.test_rows.insert(run_.test_rows.end(), fold.test.begin(), fold.test.end());
    for (FoldResult& result : done_.folds) {
      run_.answers.append(result.answers);
      result.answers = {};
      run_.kept_epochs.push_back(result.kept_epoch);
      run_.histories.push_back(std::move(result.history));
    }
    const Dataset tested = run_.data.select(run_.test_rows);
    const IndependentUnits units{tested.groups, tested.photographs, run_.options.seed};
    run_.test = evaluate(tested.labels, run_.answers.labels, run_.data.classes, units);
  }

 private:
  // From the state at hand; its network becomes the model's.
  Training train_one(const Fold& fold) {
    TrainingEvents each;
    each.epoch = [&](const Epoch& epoch) {
      if (events_.epoch) events_.epoch(run_, done_.folds.size(), epoch);
      return true;
    };
    int stopped_in = 0;
    each.step = [&](const TrainingState& state) {
      const bool stop = events_.stop && events_.stop();
      if (stop || clock_.is_due()) clock_.save([&] { save(state); });
      if (stop) stopped_in = state.epoch;
      return !stop;
    };
    Training training = train(std::move(done_.state), run_.data, fold, run_.options, team_, each);
    run_.seconds.train += training.seconds;
    if (training.ending == Ending::stopped) {
      throw Error("stopped in epoch " + std::to_string(stopped_in) + " of " +
                      std::to_string(run_.options.epochs) + ", nothing is lost",
                  run_.folder.string(), how_to_go_on());
    }
    if (training.ending == Ending::diverged) {
      done_.trouble += (done_.trouble.empty() ? "" : "; ") + (fold.name.empty() ? "" : fold.name + ": ") +
                       training.trouble + ", the weights of epoch " + std::to_string(training.kept_epoch) +
                       " are kept";
    }
    run_.ending = training.ending;
    run_.kept_epoch = training.kept_epoch;
    run_.model.network = training.network;
    return training;
  }

  std::string how_to_go_on() const {
    return "Go on with `mudra train --resume " + run_.folder.string() + "`";
  }

  void save(const TrainingState& state) const {
    try {
      save_checkpoint(done_, state, run_.folder);
    } catch (const Error& error) {
      throw Error(std::string("training stops: ") + error.what(), run_.folder.string(), how_to_go_on());
    }
  }

  Run& run_;
  const RunEvents& events_;
  ThreadTeam& team_;
  CheckpointClock clock_;
  Checkpoint done_;
};

Run run_in_folder(Run run, const RunEvents& events, const Stopwatch& total) {
  const auto images = static_cast<int64_t>(run.split.folds[0].train.size());
  const int64_t batch = std::min<int64_t>(run.options.batch_size, images);
  ThreadTeam team(worthwhile_threads(run.initial, batch, threads_allowed(run.options)));
  run.threads = team.threads();
  run.seconds.load = total.seconds();
  if (events.ready) events.ready(run);
  Folds folds(run, events, team);
  folds.train_all();
  const Stopwatch watch;
  folds.evaluate_all();
  run.seconds.evaluate += watch.seconds();
  write_file_atomically(run.folder / "metrics.jsonl", metrics_lines(run));
  save_model(run.model, run.folder / "model.safetensors");
  remove_checkpoint(run.folder);
  run.seconds.total = total.seconds();
  return run;
}

}  // namespace

int threads_allowed(const Options& options) {
  const int processors = available_processors();
  return options.threads > 0 ? std::min(options.threads, processors) : processors;
}

Run train_run(const Options& options, const std::string& out, const RunEvents& events) {
  const Stopwatch total;
  Run run = prepare(options, events);
  run.folder = make_run_folder(out, options.recipe.empty() ? "train" : options.recipe);
  // What a run that is cut short goes on from.
  write_file_atomically(run.folder / "options.toml", to_toml(run.options));
  write_split(run.split, run.data.size(), run.folder / "split.json");
  return run_in_folder(std::move(run), events, total);
}

Run resume_run(const std::filesystem::path& folder, const std::map<std::string, std::string>& given,
               const RunEvents& events) {
  const Stopwatch total;
  if (!std::filesystem::exists(folder / "options.toml"))
    throw usage_error("holds no run", folder.string(), "Name the folder of a run that was stopped");
  if (std::filesystem::exists(folder / "model.safetensors"))
    throw usage_error("is a run that is over", folder.string(), "Its model is model.safetensors");
  for (const auto& [name, text] : given) {
    if (name != "threads" && name != "checkpoint")
      throw usage_error("a run goes on with the options it began with", "--" + name,
                        "Leave it out, or train anew without --resume");
  }
  const Options options = make_options(folder / "options.toml", given);
  Run run = prepare(options, events);
  run.folder = folder;
  return run_in_folder(std::move(run), events, total);
}

Json to_json(const Run& run) {
  const std::vector<Epoch>& history = run.histories.back();
  const Epoch& epoch = history[static_cast<size_t>(run.kept_epochs.back() - 1)];
  const char* const ended = run.ending == Ending::patience   ? "patience"
                            : run.ending == Ending::diverged ? "diverged"
                                                             : "finished";
  return {{"run", run.folder.string()},
          {"model", (run.folder / "model.safetensors").string()},
          {"epochs", history.back().number},
          {"kept_epoch", run.kept_epoch},
          {"ended", ended},
          {"loss", parts(epoch.loss_train, epoch.loss_validation, epoch.loss_held_out)},
          {"test", to_json(run.test)},
          {"seconds",
           {{"load", run.seconds.load},
            {"train", run.seconds.train},
            {"evaluate", run.seconds.evaluate},
            {"total", run.seconds.total}}}};
}

}  // namespace mudra
