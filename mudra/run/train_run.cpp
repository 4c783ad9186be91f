#include "mudra/run/train_run.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <tuple>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/evaluation/predict.h"
#include "mudra/features/augmentation.h"
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

// Tests one fold's network; appends to the run's rows and probabilities.
void test_fold(const Network& network, const Fold& fold, Run& run, std::vector<int32_t>& truth,
               std::vector<int32_t>& predicted, std::vector<Scalar>& probabilities, ThreadTeam& team) {
  const Predictions answers =
      predict(network, static_cast<int64_t>(run.data.classes.size()), run.data, fold.test, team);
  for (const int64_t row : fold.test) truth.push_back(run.data.labels[static_cast<size_t>(row)]);
  predicted.insert(predicted.end(), answers.labels.begin(), answers.labels.end());
  const auto values = answers.probabilities.values();
  probabilities.insert(probabilities.end(), values.begin(), values.end());
  run.test_rows.insert(run.test_rows.end(), fold.test.begin(), fold.test.end());
}

}  // namespace

Run train_run(const Options& options, const std::string& out, const RunEvents& events) {
  Stopwatch total;
  Stopwatch watch;
  Run run;
  run.options = options;
  check_together(options);
  ThreadTeam team(options.threads > 0 ? options.threads : 1);
  std::tie(run.data, run.data_text) = load_data(options, team);
  if (run.data.classes.size() < 2) {
    throw Error(
        "all images are of one class, '" + run.data.classes.at(0) + "': there is nothing to tell apart",
        run.data.source, "Add images of another class");
  }
  run.split = make_split(run.data, options.split, options.seed);
  const auto with_validation = [&](Split split) {
    if (options.validation > 0)
      cut_validation(run.data, options.split, options.validation, options.seed, split);
    return split;
  };
  run.split = with_validation(std::move(run.split));
  class_weights(options.class_weights, run.data, run.split.folds[0].train);  // refuse them before training
  const Shape& images = run.data.pixels.shape();
  run.model.classes = run.data.classes;
  run.model.preprocessing = {static_cast<int>(images[1]), static_cast<int>(images[2]),
                             static_cast<int>(images[3]),
                             options.fit == "stretch" ? Fit::stretch : Fit::keep_aspect};
  const int64_t classes = static_cast<int64_t>(run.data.classes.size());
  run.initial = Network::parse(options.network, {1, images[1], images[2], images[3]}, outputs_for(classes));
  run.initial.initialize(initialization(options.init), options.seed);
  run.folder = make_run_folder(out, options.recipe.empty() ? "train" : options.recipe);
  run.seconds.load = watch.lap();
  if (events.ready) events.ready(run);

  std::vector<int32_t> truth, predicted;
  std::vector<Scalar> probabilities;
  const auto train_fold = [&](const Fold& fold, size_t number) {
    TrainingEvents each;
    each.epoch = [&](const Epoch& epoch) { return !events.epoch || events.epoch(run, number, epoch); };
    Training training = train(run.initial, run.data, fold, options, team, each);
    run.seconds.train += training.seconds;
    if (training.ending == Ending::stopped) {
      throw Error("stopped before the end, no model is kept", run.folder.string(),
                  "Run the same command again");
    }
    if (training.ending == Ending::diverged) {
      run.trouble += (run.trouble.empty() ? "" : "; ") + (fold.name.empty() ? "" : fold.name + ": ") +
                     training.trouble + ", the weights of epoch " + std::to_string(training.kept_epoch) +
                     " are kept";
    }
    run.ending = training.ending;
    run.kept_epoch = training.kept_epoch;
    run.model.network = training.network;
    return training;
  };
  for (size_t f = 0; f < run.split.folds.size(); ++f) {
    Training training = train_fold(run.split.folds[f], f);
    run.histories.push_back(std::move(training.history));
    watch.lap();
    test_fold(run.model.network, run.split.folds[f], run, truth, predicted, probabilities, team);
    run.seconds.evaluate += watch.lap();
  }
  if (run.split.folds.size() > 1) {
    Fold all{std::vector<int64_t>(static_cast<size_t>(run.data.size())), {}, "all images"};
    std::iota(all.train.begin(), all.train.end(), int64_t{0});
    train_fold(with_validation({"", {all}}).folds[0], run.split.folds.size());
  }
  watch.lap();
  run.test_probabilities = Tensor({static_cast<int64_t>(truth.size()), classes});
  std::copy(probabilities.begin(), probabilities.end(), run.test_probabilities.data());
  const Dataset tested = run.data.select(run.test_rows);
  const IndependentUnits units{tested.groups, tested.photographs, options.seed};
  run.test = evaluate(truth, predicted, run.data.classes, units);
  run.seconds.evaluate += watch.lap();

  write_file_atomically(run.folder / "options.toml", to_toml(options));
  write_file_atomically(run.folder / "metrics.jsonl", metrics_lines(run));
  write_file_atomically(run.folder / "split.json", split_text(run.split, run.data.size()));
  save_model(run.model, run.folder / "model.safetensors");
  run.seconds.total = total.lap();
  return run;
}

Json to_json(const Run& run) {
  const std::vector<Epoch>& history = run.histories.back();
  const size_t kept = static_cast<size_t>(std::max(run.kept_epoch, 1));
  const Epoch& epoch = history[std::min(kept, history.size()) - 1];
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
