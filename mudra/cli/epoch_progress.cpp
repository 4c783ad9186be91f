#include "mudra/cli/epoch_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mudra/box/box.h"
#include "mudra/core/text.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/report/record.h"

namespace mudra {
namespace {

// "fold 2   epoch 3 of 30   loss 0.123   held out 0.234   91.2%"
std::string epoch_line(const Experiment& experiment, size_t training, const Epoch& epoch) {
  const std::string& fold = experiment.training(training).name;
  std::string line = fold.empty() ? "" : shorten(fold, 24) + "   ";
  line += fmt::format("epoch {} of {}   loss {:.3f}", epoch.number, experiment.options.training.epochs,
                      epoch.loss_train);
  if (!std::isnan(epoch.loss_validation)) line += fmt::format("   validation {:.3f}", epoch.loss_validation);
  if (!std::isnan(epoch.loss_held_out))
    line += fmt::format("   held out {:.3f}   {:.1f}%", epoch.loss_held_out, 100 * epoch.accuracy_held_out);
  return line;
}

// What a training begins with: "the model in the box, hands, which finds the hand in each picture; ..."
std::string beginning_text(const Experiment& experiment) {
  const FoundModel found = find_model(experiment.options.from);
  std::string text = found.path.empty() ? "the model in the box, " + found.name : found.name;
  if (finds_hands(found.model)) text += ", which finds the hand in each picture";
  text += experiment.features ? "; only the last layer learns" : "; all layers learn on";
  if (!experiment.features && experiment.options.training.freeze > 0) text += " but those frozen";
  const bool is_chosen =
      std::ranges::find(experiment.chosen, "--from " + found.name) != experiment.chosen.end();
  return text + (is_chosen ? " (--from none: begin with nothing)" : "");
}

}  // namespace

void EpochProgress::operator()(const Experiment& experiment, size_t training, const Epoch& epoch) {
  if (training != training_) finish();  // of a training that ended early
  training_ = training;
  seconds_ += epoch.seconds;
  ++seen_;
  if (quiet_) return;
  const int epochs = experiment.options.training.epochs;
  unfinished_ = epoch_line(experiment, training, epoch) + fmt::format("   {:.2f} s", seconds_);
  const bool is_tenth = epoch.number * 10 / epochs != (epoch.number - 1) * 10 / epochs;
  if (epoch.number == epochs || (is_tenth && !line_.is_terminal())) return finish();
  const auto trainings_after = static_cast<double>(experiment.trainings() - training - 1);
  const double left = trainings_after * epochs + epochs - epoch.number;
  line_.show(unfinished_ + fmt::format("   {:.0f} s left", seconds_ / seen_ * left));
}

void EpochProgress::warn(const Experiment& experiment, size_t training, const TrainingWarning& warning) {
  if (quiet_) return;
  line_.clear();
  const std::string& fold = experiment.training(training).name;
  say(stderr, "warning   {}{}epoch {}: {}\n", fold, fold.empty() ? "" : ", ", warning.epoch, warning.text);
}

void EpochProgress::finish() {
  if (!unfinished_.empty()) line_.finish(unfinished_);
  unfinished_.clear();
}

void describe_experiment(const Experiment& experiment) {
  say(stderr, "data      {}\n", experiment.data_text);
  print_notes(experiment.data);
  if (!experiment.extra.empty()) say(stderr, "extra     {}\n", extra_text(experiment.extra));
  for (const Extra& extra : experiment.extra) print_notes(extra.data);
  say(stderr, "split     {}\n", describe_split(experiment.split));
  const Network& network = experiment.initial.network;
  say(stderr, "network   {}   {} parameters\n", network.text(), thousands(network.parameter_count()));
  if (!experiment.options.from.empty()) say(stderr, "from      {}\n", beginning_text(experiment));
  if (!experiment.chosen.empty())
    say(stderr, "chosen    for pictures: {}\n", fmt::join(experiment.chosen, " "));
}

}  // namespace mudra
