#include "mudra/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "mudra/core/denormals.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/features/augment.h"
#include "mudra/network/loss.h"
#include "mudra/network/plan.h"
#include "mudra/training/batches.h"
#include "mudra/training/class_weights.h"
#include "mudra/training/schedule.h"

namespace mudra {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

OptimizerOptions optimizer_options(const Options& options) {
  OptimizerOptions result;
  result.kind = optimizer_kind(options.optimizer);
  result.momentum = options.momentum;
  result.weight_decay = options.weight_decay;
  result.clip = options.clip;
  return result;
}

bool all_finite(Network& network) {
  constexpr Scalar largest = std::numeric_limits<Scalar>::max();
  int bad = 0;  // no early end: the loop becomes vectors
  for (const Network::Named& named : network.parameters()) {
    for (const Scalar value : named.parameter.tensor->values()) bad |= !(std::fabs(value) <= largest);
  }
  return bad == 0;
}

bool has_statistics(Network& network) {
  return std::ranges::any_of(network.parameters(),
                             [](const Network::Named& named) { return !named.trained; });
}

struct Score {
  double loss = std::numeric_limits<double>::quiet_NaN();
  double accuracy = std::numeric_limits<double>::quiet_NaN();
};

// Loss and accuracy of a network over images it does not learn from.
class Watch {
 public:
  Watch(const Network& network, const Dataset& data, std::span<const Row> rows, int64_t classes)
      : batches_(data, rows, 256),
        plan_(network, std::min<int64_t>(256, std::max<int64_t>(1, batches_.images())), Plan::Mode::infer),
        loss_(classes, plan_.max_batch()) {}

  Score operator()(const Network& network, ThreadTeam& team) {
    if (batches_.images() == 0) return {};
    Score score{0, 0};
    Tensor none;
    for (int64_t b = 0; b < batches_.count(); ++b) {
      const Tensor& logits = plan_.infer(network, batches_.batch(b), Step{team});
      const BatchLoss batch = loss_(logits, batches_.labels(b), none);
      score.loss += batch.mean * static_cast<double>(batches_.size(b));
      score.accuracy += static_cast<double>(batch.right);
    }
    score.loss /= static_cast<double>(batches_.images());
    score.accuracy /= static_cast<double>(batches_.images());
    return score;
  }

 private:
  Batches batches_;
  Plan plan_;
  Loss loss_;
};

// One training: what stays the same beside the state that changes.
class Trainer {
 public:
  Trainer(TrainingState& state, const Dataset& data, const Fold& fold, const Options& options,
          ThreadTeam& team, bool fuse)
      : state_(state),
        options_(options),
        team_(team),
        batches_(data, fold.train, options.batch_size),
        max_batch_(batches_.size(0)),
        augments_(Augmentation::parse(options.augment).any()),
        augmenter_(Augmentation::parse(options.augment), single(data), max_batch_),
        weights_(class_weights(options.class_weights, data, fold.train), data.example_weights, max_batch_),
        schedule_(options, batches_.count()),
        plan_(state.network, max_batch_, Plan::Mode::train, fuse),
        loss_(static_cast<int64_t>(data.classes.size()), max_batch_, {options.label_smoothing}),
        gradients_(state.network),
        optimizer_(optimizer_options(options), state.network, gradients_, state.moments),
        fused_step_(fuse && optimizer_options(options).is_plain()),
        has_statistics_(has_statistics(state.network)),
        validation_(state.network, data, fold.validation, static_cast<int64_t>(data.classes.size())),
        held_out_(state.network, data, fold.test, static_cast<int64_t>(data.classes.size())),
        chooses_(!fold.validation.empty()) {
    if (options.ema > 0) average_.emplace(options.ema, state.average, state.network);
  }

  Ending run(const TrainingEvents& events) {
    while (state_.epoch <= options_.epochs) {
      if (out_of_patience()) return Ending::patience;
      take_order();
      while (state_.batch < batches_.count()) {
        if (!step()) return Ending::diverged;
        if (events.step && !events.step(state_)) return Ending::stopped;
      }
      if (!all_finite(state_.network)) {
        trouble_ = "a weight is no longer a number after epoch " + std::to_string(state_.epoch);
        return Ending::diverged;
      }
      finish_epoch();
      if (events.epoch && !events.epoch(state_.history.back())) return Ending::stopped;
    }
    return Ending::finished;
  }
  const std::string& trouble() const { return trouble_; }

 private:
  static Shape single(const Dataset& data) {
    Shape shape = data.pixels.shape();
    shape[0] = 1;
    return shape;
  }

  bool out_of_patience() const {
    return options_.patience > 0 && chooses_ && state_.epoch - 1 - state_.kept_epoch >= options_.patience;
  }

  void take_order() {
    if (options_.shuffle)
      batches_.shuffle(Rng(options_.seed, Purpose::shuffle, static_cast<uint32_t>(state_.epoch)));
  }

  const Tensor& take_batch(int64_t b) {
    if (!augments_) return batches_.batch(b);
    Tensor& x = batches_.copy(b);
    augmenter_.apply(x.data(), batches_.size(b), options_.seed, static_cast<uint32_t>(state_.epoch),
                     batches_.row_numbers(b), team_);
    return x;
  }

  int64_t steps_done() const { return (state_.epoch - 1) * batches_.count() + state_.batch; }

  // False when the loss is no number.
  bool step() {
    const FlushDenormals flush;
    const auto start = Clock::now();
    const int64_t b = state_.batch;
    const double rate = schedule_.rate(steps_done());
    Step step{team_, options_.seed, state_.epoch, b * max_batch_};
    if (fused_step_) step.sink = GradientSink::descend(static_cast<Scalar>(rate));
    const Tensor& x = take_batch(b);
    const Tensor& logits = plan_.forward(state_.network, x, step);
    const auto labels = batches_.labels(b);
    const BatchLoss batch =
        loss_(logits, labels, plan_.logits_gradient(), weights_(labels, batches_.row_numbers(b)));
    if (!std::isfinite(batch.mean)) {
      trouble_ = "the loss is no longer a number in step " + std::to_string(b + 1) + " of epoch " +
                 std::to_string(state_.epoch);
      return false;
    }
    plan_.backward(state_.network, x, fused_step_ ? state_.network : gradients_, step);
    if (!fused_step_) optimizer_.step(rate, team_);
    plan_.update_state(state_.network);
    if (average_) average_->step(steps_done() + 1, team_);
    state_.loss += batch.mean;
    state_.right += batch.right;
    ++state_.batch;
    state_.seconds += seconds_since(start);
    return true;
  }

  // Running statistics belong to the weights they were taken with: averaged ones get their own, the mean over
  // this epoch's batches (Izmailov et al. 2018, section 3.3).
  void take_statistics() {
    const FlushDenormals flush;
    for (int64_t b = 0; b < batches_.count(); ++b) {
      plan_.forward(state_.average, take_batch(b), {team_, options_.seed, state_.epoch, b * max_batch_});
      plan_.update_state(state_.average, 1 / static_cast<double>(b + 1));
    }
  }

  void finish_epoch() {
    if (average_ && has_statistics_) take_statistics();
    const Network& reported = average_ ? state_.average : state_.network;
    const Score validation = validation_(reported, team_);
    const Score held_out = held_out_(reported, team_);
    Epoch epoch;
    epoch.number = state_.epoch;
    epoch.rate = schedule_.rate(steps_done() - 1);
    epoch.loss_train = state_.loss / static_cast<double>(batches_.count());
    epoch.accuracy_train = static_cast<double>(state_.right) / static_cast<double>(batches_.images());
    epoch.loss_validation = validation.loss;
    epoch.accuracy_validation = validation.accuracy;
    epoch.loss_held_out = held_out.loss;
    epoch.accuracy_held_out = held_out.accuracy;
    epoch.seconds = state_.seconds;
    if (!chooses_ || lower(validation.loss)) {
      state_.kept = reported;
      state_.kept_epoch = epoch.number;
    }
    state_.history.push_back(epoch);
    ++state_.epoch;
    state_.batch = 0;
    state_.loss = 0;
    state_.right = 0;
    state_.seconds = 0;
  }

  // Whether a validation loss is below that of the epoch kept.
  bool lower(double loss) const {
    if (state_.kept_epoch == 0) return std::isfinite(loss);
    return loss < state_.history[static_cast<size_t>(state_.kept_epoch - 1)].loss_validation;
  }

  TrainingState& state_;
  const Options& options_;
  ThreadTeam& team_;
  Batches batches_;
  int64_t max_batch_;
  bool augments_;
  Augmenter augmenter_;
  ExampleWeights weights_;
  Schedule schedule_;
  Plan plan_;
  Loss loss_;
  Network gradients_;
  Optimizer optimizer_;
  bool fused_step_;
  bool has_statistics_;  // running ones, of batch norms
  std::optional<WeightAverage> average_;
  Watch validation_, held_out_;
  bool chooses_;  // the validation part chooses the epoch to keep
  std::string trouble_;
};

}  // namespace

Initialization initialization(const std::string& name) {
  const std::vector<std::string> names = {"normal", "xavier", "he"};
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Initialization>(i);
  }
  throw usage_error("no initialisation is called '" + name + "'", "--init", did_you_mean(name, names));
}

int worthwhile_threads(const Network& network, int64_t batch, int available) {
  return worthwhile_threads(3 * batch * network.multiply_adds(), available);  // forward, dx and dW
}

int worthwhile_threads(int64_t multiply_adds, int available) {
  constexpr int64_t worth_a_thread = 50'000'000;  // measured: docs/benchmarks.md
  return static_cast<int>(std::clamp<int64_t>(multiply_adds / worth_a_thread, 1, std::max(1, available)));
}

TrainingState start_training(Network network, const Options& options) {
  TrainingState state;
  state.moments = make_moments(optimizer_options(options), network);
  if (options.ema > 0) state.average = network;
  state.network = std::move(network);
  return state;
}

Training train(TrainingState state, const Dataset& data, const Fold& fold, const Options& options,
               ThreadTeam& team, const TrainingEvents& events, bool fuse) {
  Trainer trainer(state, data, fold, options, team, fuse);
  Training result;
  result.ending = trainer.run(events);
  result.trouble = trainer.trouble();
  if (result.ending == Ending::diverged && state.kept_epoch == 0)
    throw Error(result.trouble, "training", "Lower --learning-rate, or shorten gradients with --clip 1");
  result.network = std::move(state.kept);
  result.kept_epoch = state.kept_epoch;
  result.history = std::move(state.history);
  for (const Epoch& epoch : result.history) result.seconds += epoch.seconds;
  return result;
}

Training train(Network network, const Dataset& data, const Fold& fold, const Options& options,
               ThreadTeam& team, const TrainingEvents& events, bool fuse) {
  return train(start_training(std::move(network), options), data, fold, options, team, events, fuse);
}

}  // namespace mudra
