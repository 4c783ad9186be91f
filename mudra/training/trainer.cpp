#include "mudra/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>

#include "mudra/core/denormals.h"
#include "mudra/core/error.h"
#include "mudra/features/augment.h"
#include "mudra/inference/inference.h"
#include "mudra/network/plan.h"
#include "mudra/training/state.h"
#include "mudra/training/training_loss.h"

namespace mudra {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool all_finite(const Network& network) {
  constexpr Scalar largest = std::numeric_limits<Scalar>::max();
  int bad = 0;  // no early end: the loop becomes vectors
  for (const auto& named : network.parameters()) {
    for (const Scalar value : named.parameter.tensor->values()) bad |= !(std::fabs(value) <= largest);
  }
  return bad == 0;
}

bool has_statistics(const Network& network) {
  return std::ranges::any_of(network.parameters(), [](const auto& named) { return !named.trained; });
}

// NaN of none.
double share(int64_t part, int64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

struct Score {
  double loss = std::numeric_limits<double>::quiet_NaN();
  double accuracy = std::numeric_limits<double>::quiet_NaN();
};

// Loss and accuracy over images that are not trained on.
class Scorer {
 public:
  Scorer(const Network& network, const Dataset& data, std::span<const Row> rows)
      : inference_(network, data, rows), loss_(network, data, inference_.max_batch()) {}

  Score operator()(const Network& network, ThreadTeam& team) {
    const auto images = static_cast<double>(inference_.images());
    if (images == 0) return {};
    double loss = 0;
    int64_t right = 0, counted = 0;
    Tensor none;
    inference_.run(network, team, [&](const Tensor& outputs, auto labels, auto rows) {
      const BatchLoss batch = loss_(outputs, labels, rows, none);
      loss += batch.mean * static_cast<double>(labels.size());
      right += batch.right;
      counted += batch.counted;
    });
    return {loss / images, share(right, counted)};
  }

 private:
  Inference inference_;
  TrainingLoss loss_;
};

TrainingState begin(Network network, const TrainingOptions& options, const Dataset& data) {
  check_targets(network, data, options.augment);
  TrainingState state;
  state.answered.assign(static_cast<size_t>(counted_classes(network, data)), 0);
  state.moments = make_moments(options.optimizer_options(), network);
  if (options.ema > 0) state.average = network;
  state.network = std::move(network);
  return state;
}

}  // namespace

// What stays the same beside the state that changes.
struct Trainer::Parts {
  Parts(TrainingState begun, const Dataset& of, const Fold& which, const TrainingOptions& chosen,
        uint64_t seed_of_all, ThreadTeam& threads, bool fuses)
      : data(of),
        fold(which),
        options(chosen),
        seed(seed_of_all),
        team(threads),
        fuse(fuses),
        state(std::move(begun)),
        batches(data, fold.train, options.batch_size),
        max_batch(batches.size(0)),
        augmenter(options.augment, with_batch(data.pixels.shape(), 1), max_batch),
        weights(class_weights(options.class_weights, data, fold.train), data.example_weights, max_batch),
        schedule(options, batches.count()),
        plan(state.network, max_batch, Mode::train,
             {.fuse = fuse, .frozen = static_cast<size_t>(options.freeze)}),
        loss(state.network, data, max_batch, {options.label_smoothing}),
        descends(fuse && options.optimizer_options().is_plain()),
        validation(state.network, data, fold.validation),
        held_out(state.network, data, fold.test),
        facts(facts_of(data, fold, options)) {
    if (!descends) gradients = state.network;
    follow();
  }

  // Points what changes the weights at the state's networks.
  void follow() {
    if (!descends)
      optimizer.emplace(options.optimizer_options(), state.network, gradients, state.moments, options.freeze);
    if (options.ema > 0) average.emplace(options.ema, state.average, state.network);
  }

  int64_t steps_done() const { return (state.epoch - 1) * batches.count() + state.batch; }
  bool chooses() const { return !fold.validation.empty(); }  // validation chooses the epoch to keep
  Network& reported() { return average ? state.average : state.network; }

  const Tensor& take_batch(int64_t b) {
    if (!options.augment.any()) return batches.batch(b);
    Tensor& x = batches.copy(b);
    augmenter.apply(x.data(), batches.size(b), seed, static_cast<uint32_t>(state.epoch),
                    batches.row_numbers(b), team);
    return x;
  }

  Context context(int64_t b) { return {team, seed, state.epoch, b * max_batch}; }

  // The epoch's order of the images, once.
  void take_order() {
    if (ordered_epoch != state.epoch && options.shuffle)
      batches.shuffle(Rng(seed, Purpose::shuffle, static_cast<uint32_t>(state.epoch)));
    ordered_epoch = state.epoch;
  }

  bool step() {
    take_order();
    const FlushDenormals flush;
    const auto start = Clock::now();
    const int64_t b = state.batch;
    const double rate = schedule.rate(steps_done());
    const Tensor& x = take_batch(b);
    const Tensor& logits = plan.forward(state.network, x, context(b));
    const auto labels = batches.labels(b);
    const auto rows = batches.row_numbers(b);
    const BatchLoss batch =
        loss(logits, labels, rows, plan.logits_gradient(), weights(labels, rows), state.answered);
    if (!std::isfinite(batch.mean)) {
      problem = "the loss is no longer a number in step " + std::to_string(b + 1) + " of epoch " +
                std::to_string(state.epoch);
      return false;
    }
    if (descends) {
      plan.descend(state.network, x, static_cast<Scalar>(rate), context(b));
    } else {
      plan.backward(state.network, x, gradients, context(b));
      optimizer->step(rate, team);
    }
    plan.update_state(state.network);
    if (average) average->step(steps_done() + 1, team);
    last_loss = batch.mean;
    state.loss += batch.mean;
    state.loss_squares += batch.mean * batch.mean;
    state.right += batch.right;
    ++state.batch;
    state.seconds += seconds_since(start);
    return true;
  }

  // Running statistics belong to the weights they were taken with: averaged ones get their own, the mean over
  // this epoch's batches (Izmailov et al. 2018, section 3.3).
  void take_statistics() {
    take_order();
    const FlushDenormals flush;
    for (int64_t b = 0; b < batches.count(); ++b) {
      plan.forward(state.average, take_batch(b), context(b));
      plan.update_state(state.average, 1 / static_cast<double>(b + 1));
    }
  }

  void finish_epoch() {
    if (average && has_statistics(state.network)) take_statistics();
    const Score chosen_by = validation(reported(), team), watched = held_out(reported(), team);
    Epoch epoch;
    epoch.number = state.epoch;
    epoch.rate = schedule.rate(steps_done() - 1);
    epoch.loss_train = state.loss / static_cast<double>(batches.count());
    const int64_t answers = std::reduce(state.answered.begin(), state.answered.end());
    epoch.accuracy_train = share(state.right, answers);
    const auto count = static_cast<double>(batches.count());
    const double variance = state.loss_squares / count - epoch.loss_train * epoch.loss_train;
    if (batches.count() > 1) epoch.noise_train = std::sqrt(std::max(0.0, variance) / (count - 1));
    if (answers > 0) epoch.same_answer = share(std::ranges::max(state.answered), answers);
    epoch.loss_validation = chosen_by.loss;
    epoch.accuracy_validation = chosen_by.accuracy;
    epoch.loss_held_out = watched.loss;
    epoch.accuracy_held_out = watched.accuracy;
    epoch.seconds = state.seconds;
    if (!chooses() || is_lower(chosen_by.loss)) {
      state.kept = reported();
      state.kept_epoch = epoch.number;
    }
    state.history.push_back(epoch);
    if (state.network.heads.empty()) {
      const std::vector<TrainingWarning> seen = watch(state.history, facts, warnings);
      warnings.insert(warnings.end(), seen.begin(), seen.end());
    }
    ++state.epoch;
    state.begin_epoch();
  }

  // Goes on from there.
  void take(TrainingState taken) {
    state = std::move(taken);
    ordered_epoch = 0;
    problem.clear();
    last_loss = std::numeric_limits<double>::quiet_NaN();
    warnings.clear();
    if (state.network.heads.empty()) warnings = watch(state.history, facts);
    follow();
  }

  // Whether a validation loss is below that of the epoch kept.
  bool is_lower(double loss_now) const {
    if (state.kept_epoch == 0) return std::isfinite(loss_now);
    return loss_now < state.history[static_cast<size_t>(state.kept_epoch - 1)].loss_validation;
  }

  const Dataset& data;
  const Fold& fold;
  TrainingOptions options;
  uint64_t seed;
  ThreadTeam& team;
  bool fuse;
  TrainingState state;
  Batches batches;
  int64_t max_batch;
  Augmenter augmenter;
  ExampleWeights weights;
  Schedule schedule;
  Plan plan;
  TrainingLoss loss;
  bool descends;      // the gradient kernels move the weights themselves
  Network gradients;  // without layers where they do
  std::optional<Optimizer> optimizer;
  std::optional<WeightAverage> average;
  Scorer validation, held_out;
  TrainingFacts facts;
  std::vector<TrainingWarning> warnings;
  double last_loss = std::numeric_limits<double>::quiet_NaN();
  int ordered_epoch = 0;  // whose order the batches have
  std::string problem;
};

Trainer::Trainer(Network network, const Dataset& data, const Fold& fold, const TrainingOptions& options,
                 uint64_t seed, ThreadTeam& team, bool fuse)
    : parts_(std::make_unique<Parts>(begin(std::move(network), options, data), data, fold, options, seed,
                                     team, fuse)) {}

Trainer::Trainer(const Trainer& other, ThreadTeam& team)
    : parts_(std::make_unique<Parts>(other.parts_->state, other.parts_->data, other.parts_->fold,
                                     other.parts_->options, other.parts_->seed, team, other.parts_->fuse)) {
  parts_->problem = other.parts_->problem;
  parts_->warnings = other.parts_->warnings;
}

Trainer::Trainer(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

Ending Trainer::run(int epochs, const TrainingEvents& events, const std::stop_token& stop) {
  while (epoch() <= epochs) {
    if (is_out_of_patience()) return Ending::patience;
    while (!is_epoch_over()) {
      if (!step()) return diverged(events);
      if (events.step) events.step(*this);
      if (stop.stop_requested()) return Ending::stopped;
    }
    const size_t said = warnings().size();
    if (!finish_epoch()) return diverged(events);
    if (events.epoch) events.epoch(*this, history().back());
    for (size_t i = said; events.warning && i < warnings().size(); ++i) events.warning(*this, warnings()[i]);
  }
  return Ending::finished;
}

Ending Trainer::diverged(const TrainingEvents& events) const {
  if (events.warning) {
    events.warning(*this, {TrainingTrouble::divergence, epoch(),
                           problem() + ". Lower --learning-rate, or shorten gradients with --clip 1."});
  }
  return Ending::diverged;
}

Ending Trainer::run(const TrainingEvents& events, const std::stop_token& stop) {
  return run(parts_->options.epochs, events, stop);
}

bool Trainer::step() { return problem().empty() && (is_epoch_over() || parts_->step()); }

std::span<const Row> Trainer::next_batch() {
  if (is_epoch_over()) return {};
  parts_->take_order();
  return parts_->batches.row_numbers(parts_->state.batch);
}

double Trainer::last_loss() const { return parts_->last_loss; }

bool Trainer::is_epoch_over() const { return parts_->state.batch >= parts_->batches.count(); }

bool Trainer::finish_epoch() {
  if (problem().empty() && !all_finite(parts_->state.network))
    parts_->problem = "a weight is no longer a number after epoch " + std::to_string(epoch());
  if (problem().empty()) parts_->finish_epoch();
  return problem().empty();
}

const std::vector<Epoch>& Trainer::history() const { return parts_->state.history; }
const std::vector<TrainingWarning>& Trainer::warnings() const { return parts_->warnings; }
int Trainer::epoch() const { return parts_->state.epoch; }
int64_t Trainer::steps() const { return parts_->steps_done(); }
const std::string& Trainer::problem() const { return parts_->problem; }
int Trainer::kept_epoch() const { return parts_->state.kept_epoch; }
const Network& Trainer::network() const { return parts_->state.network; }
const Network& Trainer::reported() const { return parts_->reported(); }

bool Trainer::is_out_of_patience() const {
  const int patience = parts_->options.patience;
  return patience > 0 && parts_->chooses() && epoch() - 1 - kept_epoch() >= patience;
}

const Network& Trainer::kept() const {
  if (kept_epoch() == 0) {
    const bool is_early = problem().empty() && history().empty();
    throw Error(is_early            ? "no epoch is whole yet"
                : problem().empty() ? "the validation loss was never a number"
                                    : problem(),
                "training", is_early ? "" : "Lower --learning-rate, or shorten gradients with --clip 1");
  }
  return parts_->state.kept;
}

void Trainer::set_weights(const Network& network) {
  if (network.text() != this->network().text() || network.input != this->network().input)
    throw Error("is '" + network.text() + "', not '" + this->network().text() + "'",
                "the network to train on");
  parts_->state.network = network;
  parts_->follow();
}

void Trainer::put_state(Safetensors& content) const { mudra::put_state(parts_->state, content); }

std::string Trainer::state() const {
  Safetensors content;
  put_state(content);
  return write_safetensors(content);
}

void Trainer::restore(const Safetensors& content, const std::string& where) {
  TrainingState taken =
      take_state(content, begin(parts_->state.network, parts_->options, parts_->data), where);
  const int64_t batches = parts_->batches.count();
  const int64_t steps = (taken.epoch - 1) * batches + taken.batch, counted = taken.moments.steps;
  const bool counts = counted == steps || (counted == 0 && parts_->options.optimizer_options().is_plain());
  const int64_t most = taken.batch * parts_->max_batch * places_of(parts_->state.network);
  if (taken.batch > batches || taken.right > most || !counts) {
    throw Error("has counters that cannot be of " + std::to_string(batches) + " batches an epoch", where,
                "Remove it to train from the start");
  }
  parts_->take(std::move(taken));
}

void Trainer::go_on_from(std::string_view bytes, const std::string& where) {
  TrainingState taken = take_state(read_safetensors(bytes, where),
                                   begin(parts_->state.network, parts_->options, parts_->data), where);
  taken.begin_epoch();
  parts_->take(std::move(taken));
}

void Trainer::restore(std::string_view bytes, const std::string& where) {
  restore(read_safetensors(bytes, where), where);
}

int worthwhile_threads(const Network& network, int64_t batch, int available) {
  return worthwhile_threads(3 * batch * network.multiply_adds(), available);  // forward, dx and dW
}

int worthwhile_threads(int64_t multiply_adds, int available) {
  constexpr int64_t worth_a_thread = 50'000'000;  // measured: docs/benchmarks.md
  return static_cast<int>(std::clamp<int64_t>(multiply_adds / worth_a_thread, 1, std::max(1, available)));
}

}  // namespace mudra
