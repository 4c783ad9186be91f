#include "mudra/experiment/experiment.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <utility>

#include "mudra/box/box.h"
#include "mudra/core/error.h"
#include "mudra/core/stopwatch.h"
#include "mudra/experiment/load_data.h"
#include "mudra/inference/calibration.h"
#include "mudra/inference/features.h"
#include "mudra/inference/predictor.h"
#include "mudra/training/training_loss.h"

namespace mudra {
namespace {

Split with_validation(const Dataset& data, const Options& options, Split split) {
  if (options.validation > 0) cut_validation(data, options.split, options.validation, options.seed, split);
  return split;
}

// Of the images that truly show one of the classes; `answers` are for all of `data`.
std::optional<Evaluation> against_true_labels(const Dataset& data, const Answers& answers, uint64_t seed,
                                              bool may_refuse, int32_t none) {
  std::vector<Row> known;
  for (size_t row = 0; row < data.true_labels.size(); ++row) {
    if (data.true_labels[row] != no_class) known.push_back(static_cast<Row>(row));
  }
  if (known.empty()) return {};
  const Dataset tested = data.select(known);
  return evaluate(tested.true_labels, answers.select(known), tested.classes, units_of(tested, seed),
                  tested.columns, may_refuse, none);
}

// Of the images that show one of the model's classes, which the answers are of; of all if there are none.
Calibration calibration_of(const ModelTest& test) {
  std::vector<Row> shown;
  std::vector<int32_t> truth;
  for (Row row = 0; row < test.data.labels.size(); ++row) {
    if (test.data.labels[row] >= test.answers.classes) continue;
    shown.push_back(row);
    truth.push_back(test.data.labels[row]);
  }
  if (shown.empty()) return {reliability(test.data.labels, test.answers.with_none_class()), {}};
  const Answers answers = test.answers.select(shown);
  Calibration found{reliability(truth, answers), {}};
  if (test.model.temperature != 1 && !finds_hands(test.model))
    found.before = reliability(truth, tempered(answers, test.model.temperature));
  return found;
}

// Images to test and to choose by have the features of themselves, images to train on those of what --augment
// makes of them: once, for the sake of which --repeat takes an image several times.
FeatureTrainings features_for(const Experiment& experiment) {
  const Network& network = experiment.initial.network;
  const Options& options = experiment.options;
  const Dataset &data = experiment.data, &learned = experiment.training_data();
  std::vector<Row> all(static_cast<size_t>(data.size()));
  std::iota(all.begin(), all.end(), Row{0});
  FeatureTrainings made;
  std::set<Row> trained;
  for (size_t i = 0; i < experiment.trainings(); ++i) {
    made.folds.push_back(experiment.training(i));
    trained.insert(made.folds.back().train.begin(), made.folds.back().train.end());
  }
  const std::vector<Row> rows(trained.begin(), trained.end());
  for (Fold& fold : made.folds) {
    for (Row& row : fold.train)
      row = static_cast<Row>(data.size() + (std::ranges::lower_bound(rows, row) - rows.begin()));
  }
  ThreadTeam team(threads_allowed(options.run));
  const Dataset parts[] = {
      features_of(network, data, all, team),
      features_of(network, learned, rows, team, {options.training.augment, options.seed})};
  made.data = joined(parts);
  return made;
}

bool learns_last_layer_alone(const Network& network, const TrainingOptions& options) {
  return has_features(network) && options.freeze + 1 == std::ssize(network.layers);
}

}  // namespace

void check_classes(const Dataset& data) {
  if (data.classes.size() < 2) {
    throw Error("all images are of one class, '" + data.classes.at(0) + "': there is nothing to tell apart",
                data.source, "Add images of another class");
  }
}

Network network_for(const Options& options, const Dataset& data) {
  const Shape& images = data.pixels.shape();
  return Network::parse(options.network, {1, images[1], images[2], images[3]},
                        outputs_for(static_cast<int64_t>(data.classes.size())));
}

Network initial_network(const Options& options, const Dataset& data) {
  Network network = network_for(options, data);
  check_classifier(network, std::ssize(data.classes), "--network");
  network.initialize(options.init, options.seed);
  const auto layers = static_cast<int>(network.layers.size());
  if (options.training.freeze >= layers) {
    throw usage_error("leaves none of the " + std::to_string(layers) + " layers to train", "--freeze",
                      "Give less than " + std::to_string(layers));
  }
  if (options.from.empty()) return network;
  Network trained = find_model(options.from).model.network;
  const auto trunk = [](const Network& of) {
    std::vector<std::string> items = of.items();
    items.pop_back();
    return items;
  };
  if (trained.input != network.input || trunk(trained) != trunk(network)) {
    throw usage_error("is '" + trained.text() + "' for images " + trained.input.text() + ", not '" +
                          network.text() + "' for images " + network.input.text(),
                      "--from " + options.from,
                      "Leave out --network, --size and --channels: the model has them");
  }
  for (size_t i = 0; i + 1 < network.layers.size(); ++i) network.layers[i] = std::move(trained.layers[i]);
  return network;
}

bool has_unknown_hands(const Experiment& experiment) {
  return std::ranges::any_of(
      experiment.extra, [](const Extra& extra) { return !extra.is_rendered && extra.data.groups.empty(); });
}

int64_t images_of_trained_groups(const Experiment& experiment) {
  int64_t images = 0;
  for (const Fold& fold : experiment.split.folds) {
    std::set<int32_t> trained;
    for (const auto* rows : {&fold.train, &fold.validation})
      for (const Row row : *rows) trained.insert(experiment.data.groups[row]);
    for (const Row row : fold.test) images += trained.contains(experiment.data.groups[row]);
  }
  return images;
}

Experiment prepare(Dataset data, const Options& options, std::vector<Extra> extra) {
  check_classes(data);
  Split split = make_split(data, options.split, options.seed);
  return prepare(std::move(data), options, std::move(split), std::move(extra));
}

Experiment prepare(Dataset data, const Options& options, Split split, std::vector<Extra> extra) {
  check_together(options);
  check_classes(data);
  Experiment made;
  made.options = options;
  made.split = with_validation(data, options, std::move(split));
  const bool has_folds = made.split.folds.size() > 1;
  if (has_folds || !extra.empty() || options.data.repeat > 1) made.folds = made.split.folds;
  if (has_folds) {
    const Fold all{rows_of(data, made.split), {}, "all images"};
    made.folds.push_back(with_validation(data, options, {"", {all}}).folds[0]);
  }
  made.with_extra = add_extra(data, options, extra, made.folds);
  for (Extra& each : extra) each.data.pixels = {};  // held by with_extra
  made.extra = std::move(extra);
  class_weights(options.training.class_weights, data, made.split.folds[0].train);
  const Shape& images = data.pixels.shape();
  made.initial.classes = data.classes;
  if (std::ranges::find(data.classes, none_name) != data.classes.end()) made.initial.none_class = none_name;
  made.initial.preprocessing = {static_cast<int>(images[1]), static_cast<int>(images[2]),
                                static_cast<int>(images[3]), options.data.fit};
  made.initial.network = initial_network(options, data);
  if (!options.from.empty()) made.initial.parts = find_model(options.from).model.parts;
  check_targets(made.initial.network, data, options.training.augment);
  made.data = std::move(data);
  if (learns_last_layer_alone(made.initial.network, options.training)) made.features = features_for(made);
  return made;
}

Network network_to_train(const Experiment& experiment) {
  const Network& whole = experiment.initial.network;
  return experiment.features ? last_layer_of(whole) : whole;
}

Trainer trainer_for(const Experiment& experiment, size_t training, ThreadTeam& team) {
  const auto& features = experiment.features;
  TrainingOptions options = experiment.options.training;
  if (features) {
    options.freeze = 0;
    options.augment = {};  // done
  }
  return {network_to_train(experiment),
          features ? features->data : experiment.training_data(),
          features ? features->folds[training] : experiment.training(training),
          options,
          experiment.options.seed,
          team};
}

Model model_with(const Experiment& experiment, const Network& trained) {
  Model model = experiment.initial;
  if (experiment.features) {
    set_last_layer(model.network, trained);
  } else {
    model.network = trained;
  }
  return model;
}

FoldResult result_of(const Experiment& experiment, size_t training, Trainer&& trainer, ThreadTeam& team) {
  FoldResult result;
  Model model;
  {
    const Trainer done = std::move(trainer);
    result.history = done.history();
    result.kept_epoch = done.kept_epoch();
    result.problem = done.problem();
    result.warnings = done.warnings();
    result.ending = !result.problem.empty()     ? Ending::diverged
                    : done.is_out_of_patience() ? Ending::patience
                                                : Ending::finished;
    model = model_with(experiment, done.kept());
  }
  const Fold& fold = experiment.training(training);
  const Predictor predictor(std::move(model));
  result.answers = predictor.answers(experiment.data, fold.test, team);
  if (experiment.trainings() == 1)
    result.validation = predictor.answers(experiment.data, fold.validation, team);
  if (training + 1 == experiment.trainings()) result.network = predictor.model().network;
  return result;
}

std::string ExperimentResult::problem(const Experiment& experiment) const {
  std::string text;
  for (size_t i = 0; i < trainings.size(); ++i) {
    if (trainings[i].problem.empty()) continue;
    const std::string& name = experiment.training(i).name;
    text += (text.empty() ? "" : "; ") + (name.empty() ? "" : name + ": ") + trainings[i].problem +
            ", the weights of epoch " + std::to_string(trainings[i].kept_epoch) + " are kept";
  }
  return text;
}

std::vector<std::string> training_warnings(const Experiment& experiment, const ExperimentResult& result) {
  struct Seen {
    std::string text;
    int trainings = 0;
  };
  std::map<TrainingTrouble, Seen> troubles;
  for (size_t i = 0; i < result.trainings.size(); ++i) {
    for (const TrainingWarning& warning : result.trainings[i].warnings) {
      Seen& seen = troubles[warning.trouble];
      if (seen.trainings++ > 0) continue;
      const std::string& name = experiment.training(i).name;
      seen.text = "Training" + (name.empty() ? "" : " (" + name + ")") + ", epoch " +
                  std::to_string(warning.epoch) + ": " + warning.text;
    }
  }
  std::vector<std::string> texts;
  for (const auto& [trouble, seen] : troubles) {
    texts.push_back(seen.text + (seen.trainings > 1
                                     ? " So it was in " + std::to_string(seen.trainings) + " trainings."
                                     : ""));
  }
  return texts;
}

ExperimentResult conclude(const Experiment& experiment, std::vector<FoldResult> trainings) {
  ExperimentResult result;
  result.model = experiment.initial;
  const size_t folds = experiment.split.folds.size();
  std::vector<AnsweredRows> tested;
  for (size_t fold = 0; fold < folds; ++fold) {
    const std::vector<Row>& rows = experiment.split.folds[fold].test;
    result.test_rows.insert(result.test_rows.end(), rows.begin(), rows.end());
    tested.push_back({rows, std::exchange(trainings[fold].answers, {})});
  }
  const Dataset images = experiment.data.select(result.test_rows);
  const double refuse = experiment.options.refuse;
  if (folds > 1) {
    result.calibration = calibrate_by_folds(experiment.data, refuse, tested, result.model);
  } else {
    const AnsweredRows validation{experiment.split.folds[0].validation, std::move(trainings[0].validation)};
    result.calibration = calibrate_by_validation(experiment.data, refuse, validation, images.labels,
                                                 tested[0].answers, result.model);
  }
  for (AnsweredRows& part : tested) result.answers.append(std::move(part.answers));
  const bool may_refuse = result.model.rejection_threshold > 0;
  const int32_t none = none_label(result.model);
  result.test = evaluate(images.labels, result.answers, experiment.data.classes,
                         units_of(images, experiment.options.seed), images.columns, may_refuse, none);
  result.true_test = against_true_labels(images, result.answers, experiment.options.seed, may_refuse, none);
  if (result.test.new_group && (images_of_trained_groups(experiment) > 0 || has_unknown_hands(experiment))) {
    result.test.new_group.reset();
    if (result.true_test) result.true_test->new_group.reset();
  }
  if (folds > 1) result.labels = find_label_errors(experiment.data, experiment.split.folds, result.answers);
  result.model.network = std::move(trainings.back().network);
  result.trainings = std::move(trainings);
  for (const FoldResult& each : result.trainings) {
    for (const Epoch& epoch : each.history) result.seconds.train += epoch.seconds;
  }
  return result;
}

std::optional<ExperimentResult> run_experiment(const Experiment& experiment, ThreadTeam& team,
                                               const ExperimentEvents& events, const std::stop_token& stop,
                                               const Resumption* resumption) {
  std::vector<FoldResult> done;
  if (resumption) done = resumption->done;
  double tested = 0;
  while (done.size() < experiment.trainings()) {
    const size_t number = done.size();
    Trainer trainer = trainer_for(experiment, number, team);
    if (resumption && number == resumption->done.size())
      trainer.restore(resumption->trainer, resumption->where);
    TrainingEvents each;
    each.epoch = [&](const Trainer& now, const Epoch& epoch) {
      if (events.epoch) events.epoch(number, epoch);
      if (events.state) events.state(number, now);
    };
    each.warning = [&](const Trainer&, const TrainingWarning& warning) {
      if (events.warning) events.warning(number, warning);
    };
    each.step = [&](const Trainer& now) {
      if (events.step) events.step(done, now);
    };
    if (events.state && trainer.steps() == 0) events.state(number, trainer);
    if (trainer.run(each, stop) == Ending::stopped) {
      if (events.stopped) events.stopped(done, trainer);
      return std::nullopt;
    }
    const Stopwatch watch;
    done.push_back(result_of(experiment, number, std::move(trainer), team));
    tested += watch.seconds();
  }
  const Stopwatch watch;
  ExperimentResult result = conclude(experiment, std::move(done));
  result.seconds.evaluate = tested + watch.seconds();
  return result;
}

ModelTest test_model(Model model, const DataOptions& options, uint64_t seed, const RunOptions& run,
                     const Progress& progress) {
  const Stopwatch total;
  const int allowed = threads_allowed(run);
  ThreadTeam loading(allowed);
  const Predictor predictor(std::move(model));
  LoadedData loaded = load_data_for(predictor, options, seed, loading, progress);
  ModelTest test{predictor.model(), std::move(loaded.data), std::move(loaded.text), {}, {}, {}, {}, {}};
  const int64_t together = std::min(answered_together, test.data.size());
  ThreadTeam team(worthwhile_threads(together * test.model.network.multiply_adds(), allowed));
  test.threads = team.threads();
  test.seconds.load = total.seconds();
  std::vector<Row> rows(static_cast<size_t>(test.data.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  test.answers =
      finds_hands(test.model) ? std::move(loaded.answers) : predictor.answers(test.data, rows, team);
  int32_t none = none_label(test.model);
  test.calibration = calibration_of(test);
  if (test.data.classes.size() > test.model.classes.size()) {
    none = static_cast<int32_t>(test.model.classes.size());
    test.answers = test.answers.with_none_class();
  }
  const bool may_refuse = test.model.rejection_threshold > 0 || finds_hands(test.model);
  test.evaluation = evaluate(test.data.labels, test.answers, test.data.classes, units_of(test.data, seed),
                             test.data.columns, may_refuse, none);
  test.true_evaluation = against_true_labels(test.data, test.answers, seed, may_refuse, none);
  test.seconds.total = total.seconds();
  test.seconds.evaluate = test.seconds.total - test.seconds.load;
  return test;
}

}  // namespace mudra
