#include "mudra/experiment/fit.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/experiment/choices.h"
#include "mudra/inference/predictor.h"

namespace mudra {
namespace {

constexpr const char* standardised = "flatten, batch-norm";

// Puts mean and variance of each feature of the examples at `rows`, by their weights, into the network's
// batch-norm layer. A feature that is always the same counts as it differs from that.
void standardise(const Dataset& data, std::span<const Row> rows, Network& network) {
  const auto features = static_cast<size_t>(data.pixels.shape().per_example());
  std::vector<double> mean(features), variance(features);
  std::vector<float> values(features);
  const auto weight = [&](Row row) {
    return data.example_weights.empty() ? 1.0 : static_cast<double>(data.example_weights[row]);
  };
  double total = 0;
  for (const Row row : rows) total += weight(row);
  const auto each = [&](const auto& visit) {  // feature, value, share
    for (const Row row : rows) {
      data.pixels.read(row, values.data());
      const double share = total > 0 ? weight(row) / total : 1 / static_cast<double>(rows.size());
      for (size_t f = 0; f < features; ++f) visit(f, static_cast<double>(values[f]), share);
    }
  };
  each([&](size_t f, double value, double share) { mean[f] += value * share; });
  each([&](size_t f, double value, double share) {
    variance[f] += (value - mean[f]) * (value - mean[f]) * share;
  });
  auto& layer = std::get<BatchNorm>(network.layers[standardising_layers - 1]);
  for (size_t f = 0; f < features; ++f) {
    const auto at = static_cast<int64_t>(f);
    layer.state.mean[at] = static_cast<Scalar>(mean[f]);
    layer.state.variance[at] = static_cast<Scalar>(variance[f]);
    // The layer divides by sqrt(variance + epsilon).
    const double spread = variance[f] > 0 ? std::sqrt(variance[f]) : 1;
    layer.parameters.weight[at] = static_cast<Scalar>(std::sqrt(variance[f] + BatchNorm::epsilon) / spread);
  }
}

}  // namespace

Experiment prepare_fit(FitData given, Options options) {
  const int64_t examples = given.data.size(), watched = given.watched.size();
  choose_to_fit(options, examples, given.are_features);
  if (given.are_features) options.network = std::string(standardised) + ", " + options.network;
  options.split = given.data.groups.empty() ? "stratified:0.8" : "group";
  Fold all;
  all.train.resize(static_cast<size_t>(examples));
  std::iota(all.train.begin(), all.train.end(), Row{0});
  Split split{"all examples", {std::move(all)}};
  check_classes(given.data);
  if (options.validation > 0)
    cut_validation(given.data, options.split, options.validation, options.seed, split);
  if (watched > 0) {
    split.folds[0].test.resize(static_cast<size_t>(watched));
    std::iota(split.folds[0].test.begin(), split.folds[0].test.end(), static_cast<Row>(examples));
    const Dataset parts[] = {given.data, given.watched};
    given.data = joined(parts);
  }
  Experiment made = prepare(std::move(given.data), options, std::move(split));
  if (given.are_features) {
    standardise(made.data, made.split.folds[0].train, made.initial.network);
    made.options.training.freeze = standardising_layers;
    const auto features = made.data.pixels.shape().per_example();
    made.initial.card["input"] = feature_input;
    made.initial.card["reads"] = "rows of " + std::to_string(features) + " features";
  }
  return made;
}

Fitted fit(const Experiment& experiment, ThreadTeam& team, std::string_view state, int epochs,
           const TrainingEvents& events, const std::stop_token& stop) {
  Trainer trainer = trainer_for(experiment, 0, team);
  if (!state.empty()) trainer.go_on_from(state, "the training to go on from");
  Fitted fitted;
  fitted.ending = trainer.run(trainer.epoch() - 1 + epochs, events, stop);
  fitted.history = trainer.history();
  fitted.kept_epoch = trainer.kept_epoch();
  fitted.problem = trainer.problem();
  fitted.warnings = trainer.warnings();
  const bool is_early = fitted.ending == Ending::stopped && fitted.kept_epoch == 0;
  fitted.model = model_with(experiment, is_early ? trainer.network() : trainer.kept());
  fitted.state = trainer.state();
  const std::vector<Row>& chose = experiment.training(0).validation;
  if (chose.empty() || is_early) return fitted;
  const Predictor predictor(fitted.model);
  calibrate_by_validation(experiment.data, experiment.options.refuse,
                          {chose, predictor.answers(experiment.data, chose, team)}, fitted.model);
  return fitted;
}

}  // namespace mudra
