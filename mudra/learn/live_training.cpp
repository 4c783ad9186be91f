#include "mudra/learn/live_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mudra/core/stopwatch.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/experiment/choices.h"
#include "mudra/inference/inference.h"
#include "mudra/learn/live_options.h"
#include "mudra/network/gradients.h"

namespace mudra {
namespace {

constexpr size_t most_checkpoint_bytes = size_t{64} << 20;
constexpr size_t most_edits = 10'000;

Experiment experiment_of(Options options) {
  ThreadTeam team(threads_allowed(options.run));
  Dataset data = load_and_choose(options, team).data;
  check_live(network_for(options, data), data, options);
  Experiment experiment = prepare(std::move(data), options);
  if (experiment.trainings() > 1)
    throw usage_error("has several trainings, of which only one can be watched", "--split",
                      "Choose one held-out part, such as group or 0.8");
  return experiment;
}

int64_t batches_of(const Experiment& experiment) {
  const int64_t images = std::ssize(experiment.training(0).train),
                size = experiment.options.training.batch_size;
  return (images + size - 1) / size;
}

// A parameter of a network by its name.
template <class N>
auto parameter_of(N& network, const std::string& name) {
  for (const auto& named : network.parameters())
    if (named.name == name && named.trained) return named.parameter;
  throw usage_error("no weights are called '" + name + "'", "name", "Ask for the training: it lists them");
}

float& entry(std::vector<float>& values, int64_t index) {
  if (index < 0 || index >= std::ssize(values))
    throw usage_error(
        "there is no weight " + std::to_string(index) + " among " + std::to_string(values.size()), "index",
        "Count from 0");
  return values[static_cast<size_t>(index)];
}

void change(Network& network, const std::string& name, int64_t index, float value) {
  const auto parameter = parameter_of(network, name);
  std::vector<float> values = to_file_order(parameter);
  entry(values, index) = value;
  from_file_order(parameter, values);
}

std::vector<float> all_of(const Network& network) {
  std::vector<float> all;
  for (const auto& named : network.parameters()) {
    const std::vector<float> values = to_file_order(named.parameter);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

// Losses at both sides of a weight.
struct LossesNearby {
  double h, above, below;
  double difference() const { return (above - below) / (2 * h); }
  // How much steeper the loss is above than below: of a smooth one it grows with h, of one with a corner it
  // is there at once.
  double bend(double here) const { return (above - 2 * here + below) / h; }
};

}  // namespace

LiveTraining::LiveTraining(Options options)
    : experiment_(experiment_of(std::move(options))),
      team_(worthwhile_threads(experiment_.initial.network, experiment_.options.training.batch_size,
                               threads_allowed(experiment_.options.run))),
      trainer_(trainer_for(experiment_, 0, team_)),
      batches_(batches_of(experiment_)),
      explained_(experiment_.initial.network, 1, Plan::Mode::explain) {
  keep_checkpoint();
}

LiveState LiveTraining::state(int64_t since_step, int since_epoch) const {
  const std::lock_guard lock(mutex_);
  LiveState state;
  state.step = trainer_.steps();
  state.epoch = trainer_.epoch();
  state.batch = state.step - (state.epoch - 1) * batches_;
  state.loss = losses_.empty() ? std::nan("") : losses_.back();
  state.problem = trainer_.problem();
  if (!state.problem.empty()) state.why = reason();
  state.is_edited = !edits_.empty();
  state.losses.assign(losses_.begin() + std::clamp<int64_t>(since_step, 0, std::ssize(losses_)),
                      losses_.end());
  for (const Epoch& epoch : trainer_.history())
    if (epoch.number > since_epoch) state.history.push_back(epoch);
  return state;
}

bool LiveTraining::step() {
  if (!trainer_.step()) return false;
  losses_.push_back(static_cast<float>(trainer_.last_loss()));
  if (!trainer_.is_epoch_over()) return true;
  if (!trainer_.finish_epoch()) return false;
  if ((trainer_.epoch() - 1) % checkpoint_every_ == 0) keep_checkpoint();
  return true;
}

// As many as fit: when they are too many every second one goes, and from then on half as many are kept.
void LiveTraining::keep_checkpoint() {
  const std::string& kept = checkpoints_[trainer_.steps()] = trainer_.state();
  if (checkpoints_.size() < 3 || checkpoints_.size() * kept.size() <= most_checkpoint_bytes) return;
  checkpoint_every_ *= 2;
  std::erase_if(checkpoints_,
                [&](const auto& each) { return each.first / batches_ % checkpoint_every_ != 0; });
}

void LiveTraining::advance(int64_t steps, double seconds) {
  const std::lock_guard lock(mutex_);
  const Stopwatch clock;
  for (int64_t done = 0; done < steps && step(); ++done)
    if (clock.seconds() > seconds) break;
}

void LiveTraining::advance_epochs(int64_t epochs, double seconds) {
  const std::lock_guard lock(mutex_);
  const Stopwatch clock;
  const int64_t last = trainer_.epoch() + epochs;
  while (trainer_.epoch() < last && step())
    if (clock.seconds() > seconds) break;
}

void LiveTraining::rewind(int64_t step) {
  const std::lock_guard lock(mutex_);
  if (step < 0 || step > trainer_.steps())
    throw usage_error("there is no step " + std::to_string(step) + " to go back to", "step",
                      "Choose one from 0 to " + std::to_string(trainer_.steps()));
  std::erase_if(edits_, [&](const Edit& edit) { return edit.step >= step; });
  checkpoints_.erase(checkpoints_.upper_bound(step), checkpoints_.end());
  trainer_.restore(std::prev(checkpoints_.end())->second, "the training");
  losses_.resize(static_cast<size_t>(trainer_.steps()));
  for (auto edit = std::ranges::lower_bound(edits_, trainer_.steps(), {}, &Edit::step);
       trainer_.steps() < step;) {
    for (; edit != edits_.end() && edit->step == trainer_.steps(); ++edit)
      trainer_.set_weights(with_weight(edit->name, edit->index, edit->value));
    if (!this->step()) break;
  }
}

Network LiveTraining::with_weight(const std::string& name, int64_t index, float value) const {
  Network changed = trainer_.network();
  change(changed, name, index, value);
  return changed;
}

void LiveTraining::set_weight(const std::string& name, int64_t index, float value) {
  const std::lock_guard lock(mutex_);
  if (!std::isfinite(value)) throw usage_error("is no number", "value", "Choose a finite one");
  if (!trainer_.problem().empty())
    throw usage_error("has come to its end", "the training", "Rewind it first");
  Edit edit{trainer_.steps(), name, index, value};
  trainer_.set_weights(with_weight(name, index, value));
  const bool is_again = !edits_.empty() && edits_.back().step == edit.step && edits_.back().name == name &&
                        edits_.back().index == index;
  if (is_again) edits_.pop_back();
  if (edits_.size() >= most_edits)
    throw usage_error("has been changed by hand too often", "the training", "Rewind it first");
  edits_.push_back(std::move(edit));
}

std::vector<float> LiveTraining::weights() const {
  const std::lock_guard lock(mutex_);
  return all_of(trainer_.network());
}

void LiveTraining::need_row(Row row) const {
  if (static_cast<int64_t>(row) >= experiment_.data.size())
    throw usage_error("there is no image " + std::to_string(row), "row",
                      "Choose one from 0 to " + std::to_string(experiment_.data.size() - 1));
}

Network LiveTraining::gradients_of(std::span<const Row> rows) const {
  Batches batches(experiment_.data, rows, std::ssize(rows));
  return loss_gradients(trainer_.network(), batches.batch(0), batches.labels(0),
                        std::ssize(experiment_.data.classes), team_)
      .gradients;
}

std::vector<float> LiveTraining::gradients(std::optional<Row> row) const {
  const std::lock_guard lock(mutex_);
  if (row) {
    need_row(*row);
    return all_of(gradients_of({&*row, 1}));
  }
  const std::span<const Row> next = trainer_.next_batch();
  if (next.empty()) throw usage_error("has come to its end", "the training", "Rewind it first");
  return all_of(gradients_of(next));
}

std::vector<float> LiveTraining::values(Row row, size_t layer) const {
  const std::lock_guard lock(mutex_);
  need_row(row);
  const std::vector<AnyLayer>& layers = trainer_.network().layers;
  const bool gives = layer < layers.size() && !std::holds_alternative<Fork>(layers[layer]) &&
                     !std::holds_alternative<Shortcut>(layers[layer]);
  if (!gives)
    throw usage_error("no layer " + std::to_string(layer) + " gives values", "layer",
                      "Ask for the training: it lists the layers");
  Batches batches(experiment_.data, {&row, 1}, 1);
  explained_.forward(trainer_.network(), batches.batch(0), {team_});
  return values_of(explained_.value(layer));
}

std::vector<Row> LiveTraining::next_batch() const {
  const std::lock_guard lock(mutex_);
  const std::span<const Row> next = trainer_.next_batch();
  return {next.begin(), next.end()};
}

LiveExample LiveTraining::example(Row row) const {
  const std::lock_guard lock(mutex_);
  need_row(row);
  Batches batches(experiment_.data, {&row, 1}, 1);
  const Tensor& logits = explained_.forward(trainer_.network(), batches.batch(0), {team_});
  const int64_t classes = std::ssize(experiment_.data.classes);
  Tensor out({1, classes}), none;
  probabilities(logits, classes, out);
  TrainingLoss loss(trainer_.network(), experiment_.data, 1);
  return {experiment_.data.labels[row], values_of(logits), values_of(out),
          loss(logits, batches.labels(0), {&row, 1}, none).mean};
}

double LiveTraining::loss_of(const Network& network, Row row) const {
  Batches batches(experiment_.data, {&row, 1}, 1);
  TrainingLoss loss(network, experiment_.data, 1);
  Tensor none;
  return loss(explained_.forward(network, batches.batch(0), {team_}), batches.labels(0), {&row, 1}, none)
      .mean;
}

LiveSlope LiveTraining::slope(Row row, const std::string& name, int64_t index) const {
  const std::lock_guard lock(mutex_);
  need_row(row);
  Network network = trainer_.network();
  std::vector<float> values = to_file_order(parameter_of(network, name));
  const float value = entry(values, index);
  const Network gradients = gradients_of({&row, 1});
  std::vector<float> derivatives = to_file_order(parameter_of(gradients, name));
  const double loss = loss_of(network, row);
  const auto nearby = [&](float h) {
    change(network, name, index, value + h);
    const double above = loss_of(network, row);
    change(network, name, index, value - h);
    return LossesNearby{h, above, loss_of(network, row)};
  };
  // Near by, two losses differ by little more than their rounding; far away the loss is bent. The distance at
  // which both together matter least is taken.
  const double rounding = std::ldexp(std::max(1.0, loss), -20);
  constexpr float nearest = 1.F / 1024, furthest = 0.5F;
  LossesNearby near = nearby(nearest), best = near;
  double error = std::numeric_limits<double>::infinity();
  for (float h = nearest; h <= furthest; h *= 2) {
    const LossesNearby far = nearby(2 * h);
    const double off = std::abs(far.difference() - near.difference()) +
                       std::abs(2 * near.bend(loss) - far.bend(loss)) + rounding / h;
    if (off < error) {
      best = near;
      error = off;
    }
    near = far;
  }
  return {value, entry(derivatives, index), loss, best.h, best.above, best.below, best.difference(), error};
}

LiveAnswers LiveTraining::answers() const {
  const std::lock_guard lock(mutex_);
  const std::vector<Row>& held_out = fold().test;
  const int64_t classes = std::ssize(experiment_.data.classes);
  Inference inference(trainer_.network(), experiment_.data, held_out);
  TrainingLoss loss(trainer_.network(), experiment_.data, inference.max_batch());
  LiveAnswers answers;
  std::vector<int32_t> truth, said;
  Tensor none;
  inference.run(trainer_.network(), team_, [&](const Tensor& logits, auto labels, auto rows) {
    Tensor out({std::ssize(labels), classes});
    probabilities(logits, classes, out);
    answers.loss += loss(logits, labels, rows, none).mean * static_cast<double>(labels.size());
    for (size_t i = 0; i < labels.size(); ++i) {
      const Scalar* of_image = out.data() + static_cast<int64_t>(i) * classes;
      answers.probabilities.emplace_back(of_image, of_image + classes);
      truth.push_back(labels[i]);
      said.push_back(argmax(of_image, classes));
    }
  });
  int64_t right = 0;
  for (size_t i = 0; i < truth.size(); ++i) right += truth[i] == said[i];
  const auto images = static_cast<double>(truth.size());
  answers.loss /= images;
  answers.accuracy = static_cast<double>(right) / images;
  answers.confusion = confusion_matrix(truth, said, static_cast<size_t>(classes));
  return answers;
}

// In numbers of this training, whatever the network.
std::string LiveTraining::reason() const {
  float largest = 0;
  int64_t lost = 0;
  for (const float weight : all_of(trainer_.network())) {
    if (std::isfinite(weight))
      largest = std::max(largest, std::abs(weight));
    else
      ++lost;
  }
  std::string before;
  for (size_t i = losses_.size() - std::min<size_t>(losses_.size(), 3); i < losses_.size(); ++i)
    before += fmt::format("{}{:.3g}", before.empty() ? "" : ", ", losses_[i]);
  return fmt::format(
      "A step moves every weight by the learning rate, {:g}, times its gradient. {}{} Above 3.4e38 a number "
      "of "
      "32 bits becomes infinite, and infinity minus infinity is no number, nor is anything computed from it. "
      "Go "
      "back some steps and choose a smaller learning rate.",
      experiment_.options.training.learning_rate,
      before.empty() ? "" : fmt::format("The last losses were {}. ", before),
      lost > 0 ? fmt::format("{} weights are no numbers any more.", lost)
               : fmt::format("The largest weight is {:.3g} now, and sums of such weights are larger still.",
                             largest));
}

}  // namespace mudra
