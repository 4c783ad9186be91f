#include "mudra/run/train_run.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/experiment/check_labels.h"
#include "mudra/experiment/choices.h"
#include "mudra/report/summary.h"
#include "mudra/run/run_folder.h"

namespace mudra {
namespace {

Experiment read_and_prepare(Options options, const RunEvents& events) {
  ThreadTeam team(threads_allowed(options.run));
  LoadedData loaded = load_and_choose(options, team, events.reading);
  std::vector<Extra> extra = load_extra(options, loaded.data, team, events.reading);
  Experiment experiment = prepare(std::move(loaded.data), options, std::move(extra));
  experiment.data_text = std::move(loaded.text);
  experiment.chosen = std::move(loaded.chosen);
  return experiment;
}

// A run whose experiment is prepared; `is_resumed` if it began before.
Run run_in_folder(Run run, RunLock lock, bool is_resumed, const RunEvents& events, const Stopwatch& total) {
  run.folder = lock.folder();
  const Experiment& experiment = run.experiment;
  const auto images = static_cast<int64_t>(experiment.training(0).train.size());
  const int64_t batch = std::min<int64_t>(experiment.options.training.batch_size, images);
  ThreadTeam team(
      worthwhile_threads(network_to_train(experiment), batch, threads_allowed(experiment.options.run)));
  run.threads = team.threads();
  RunFolder folder(experiment, std::move(lock));
  std::optional<Resumption> resumption;
  if (is_resumed) {
    resumption = folder.resume();
  } else {
    folder.begin();
  }
  const double load = total.seconds();
  if (events.ready) events.ready(experiment);
  ExperimentEvents each;
  each.epoch = [&](size_t training, const Epoch& epoch) {
    folder.add_epoch(training, epoch);
    if (events.epoch) events.epoch(experiment, training, epoch);
  };
  each.warning = [&](size_t training, const TrainingWarning& warning) {
    if (events.warning) events.warning(experiment, training, warning);
  };
  each.state = [&](size_t training, const Trainer& now) { folder.keep_if_asked(training, now, team); };
  each.step = [&](const auto& done, const Trainer& now) { folder.save_if_due(done, now); };
  each.stopped = [&](const auto& done, const Trainer& now) {
    folder.save(done, now);
    throw Error("stopped in epoch " + std::to_string(now.epoch()) + " of " +
                    std::to_string(experiment.options.training.epochs) + ", nothing is lost",
                run.folder.string(), folder.how_to_go_on());
  };
  run.result = *run_experiment(experiment, team, each, events.stop, resumption ? &*resumption : nullptr);
  run.result.seconds.load = load;
  run.result.seconds.total = total.seconds();
  constexpr auto replace = nlohmann::json::error_handler_t::replace;
  folder.finish(run.result, to_json(run).dump(2, ' ', false, replace) + "\n", [&] {
    if (events.ending) events.ending(run);
  });
  return run;
}

}  // namespace

Run train_run(const Options& options, const std::string& out, const RunEvents& events) {
  const Stopwatch total;
  Run run;
  run.experiment = read_and_prepare(options, events);
  const std::string recipe = std::filesystem::path(options.recipe).stem().string();
  RunLock lock = make_run_folder(out, recipe.empty() ? "train" : recipe);
  return run_in_folder(std::move(run), std::move(lock), false, events, total);
}

Run resume_run(const std::filesystem::path& folder, const std::map<std::string, std::string>& given,
               const RunEvents& events) {
  const Stopwatch total;
  if (!std::filesystem::exists(folder / "options.toml"))
    throw usage_error("holds no run", folder.string(), "Name the folder of a run that was stopped");
  for (const auto& [name, text] : given) {
    if (name != "threads" && name != "checkpoint")
      throw usage_error("a run goes on with the options it began with", "--" + name,
                        "Leave it out, or train anew without --resume");
  }
  RunLock lock(folder, "");
  if (lock.is_of_run_that_is_over())
    throw usage_error("is a run that is over", folder.string(), "Its model is model.safetensors");
  Run run;
  run.experiment = read_and_prepare(make_options(folder / "options.toml", given), events);
  return run_in_folder(std::move(run), std::move(lock), true, events, total);
}

nlohmann::json to_json(const Run& run) {
  const size_t shown = run.experiment.shown_training();
  const FoldResult& fold = run.result.trainings[shown];
  const Fold& learned = run.experiment.model_training();
  const Epoch& epoch = fold.history[static_cast<size_t>(fold.kept_epoch - 1)];
  nlohmann::json loss = {{"train", epoch.loss_train}, {"held_out", epoch.loss_held_out}};
  if (!std::isnan(epoch.loss_validation)) loss["validation"] = epoch.loss_validation;
  const Seconds& seconds = run.result.seconds;
  nlohmann::json labels;
  if (run.result.labels) {
    const std::vector<LabelSuspect>& all = run.result.labels->suspects;
    const auto first = std::span(all).first(std::min(all.size(), most_listed_suspects));
    labels = {{"count", all.size()}, {"rows", to_json(run.experiment.data, first)}};
  }
  nlohmann::json extra = nlohmann::json::array();
  for (const Extra& each : run.experiment.extra) {
    extra.push_back({{"source", each.text},
                     {"images", each.data.labels.size()},
                     {"other_classes", each.other_classes},
                     {"of_held_out_groups", each.of_held_out_groups},
                     {"near_copies", each.near_copies}});
  }
  nlohmann::json document = {{"run", run.folder.string()},
                             {"model", (run.folder / "model.safetensors").string()},
                             {"predictions", (run.folder / "predictions.csv").string()},
                             {"trained_on",
                              {{"images", images_trained_on(run.experiment)},
                               {"validation", learned.validation.size()},
                               {"held_out_too", run.experiment.trains_on_all()},
                               {"kept_epoch", run.result.last().kept_epoch}}},
                             {"fold", run.experiment.training(shown).name},
                             {"epochs", fold.history.back().number},
                             {"kept_epoch", fold.kept_epoch},
                             {"ended", name_of(fold.ending)},
                             {"loss", loss},
                             {"test", to_json(run.result.test)},
                             {"seconds",
                              {{"load", seconds.load},
                               {"train", seconds.train},
                               {"evaluate", seconds.evaluate},
                               {"total", seconds.total}}},
                             {"extra", std::move(extra)}};
  document["label_suspects"] = std::move(labels);
  document["calibration"] = to_json(run.result.calibration);
  document["calibration"]["temperature"] = run.result.model.temperature;
  document["calibration"]["rejection_threshold"] = run.result.model.rejection_threshold;
  document["calibration"]["refusal"] = refusal_text(run.result.model);
  if (run.result.true_test) document["true_labels"] = to_json(*run.result.true_test);
  return document;
}

}  // namespace mudra
