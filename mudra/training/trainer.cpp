#include "mudra/training/trainer.h"

#include <chrono>
#include <cmath>
#include <numeric>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/features/augment.h"
#include "mudra/network/loss.h"
#include "mudra/network/plan.h"
#include "mudra/training/batches.h"
#include "mudra/training/optimizer.h"

namespace mudra {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Loss and accuracy of a network over images it does not learn from.
class Watch {
 public:
  Watch(const Network& network, const Dataset& data, std::span<const int64_t> rows, int64_t classes)
      : batches_(data, rows, 256),
        plan_(network, std::min<int64_t>(256, std::max<int64_t>(1, batches_.images())), Plan::Mode::infer),
        loss_(classes, plan_.max_batch()) {}

  void operator()(const Network& network, ThreadTeam& team, Epoch& epoch) {
    double loss = 0;
    int64_t right = 0;
    Tensor none;
    for (int64_t b = 0; b < batches_.count(); ++b) {
      const Tensor& logits = plan_.infer(network, batches_.batch(b), Step{team});
      const BatchLoss batch = loss_(logits, batches_.labels(b), none);
      loss += batch.mean * static_cast<double>(batches_.size(b));
      right += batch.right;
    }
    const double images = static_cast<double>(batches_.images());
    epoch.loss_held_out = loss / images;
    epoch.accuracy_held_out = static_cast<double>(right) / images;
  }

 private:
  Batches batches_;
  Plan plan_;
  Loss loss_;
};

}  // namespace

Initialization initialization(const std::string& name) {
  const std::vector<std::string> names = {"normal", "xavier", "he"};
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Initialization>(i);
  }
  throw usage_error("no initialisation is called '" + name + "'", "--init", did_you_mean(name, names));
}

Training train(Network network, const Dataset& data, const Fold& fold, const Options& options,
               ThreadTeam& team, const Progress& progress, bool fuse) {
  Training result{std::move(network), {}, 0, false};
  Network& trained = result.network;
  const int64_t classes = static_cast<int64_t>(data.classes.size());
  Batches batches(data, fold.train, options.batch_size);
  const int64_t max_batch = batches.size(0);
  const Augmentation augmentation = Augmentation::parse(options.augment);
  const Shape& images = data.pixels.shape();
  Augmenter augmenter(augmentation, {1, images[1], images[2], images[3]}, max_batch);
  const auto take_batch = [&](int64_t b, int epoch) -> const Tensor& {
    if (!augmentation.any()) return batches.batch(b);
    Tensor& x = batches.copy(b);
    augmenter.apply(x.data(), batches.size(b), options.seed, static_cast<uint32_t>(epoch),
                    batches.row_numbers(b), team);
    return x;
  };
  Plan plan(trained, max_batch, Plan::Mode::train, fuse);
  Loss loss(classes, max_batch, {options.label_smoothing});
  Network gradients = trained;
  OptimizerOptions optimizer_options;
  optimizer_options.kind = optimizer_kind(options.optimizer);
  optimizer_options.momentum = options.momentum;
  optimizer_options.weight_decay = options.weight_decay;
  Optimizer optimizer(optimizer_options, trained, gradients);
  Watch watch(trained, data, fold.test, classes);
  const bool fused_step = fuse && optimizer.is_plain();

  std::vector<int64_t> order(fold.train.size());
  for (int number = 1; number <= options.epochs; ++number) {
    Epoch epoch{.number = number};
    const auto start = Clock::now();
    if (options.shuffle) {
      std::iota(order.begin(), order.end(), int64_t{0});
      Rng(options.seed, Purpose::shuffle, static_cast<uint32_t>(number)).shuffle(std::span(order));
      batches.reorder(order);
    }
    int64_t right = 0;
    for (int64_t b = 0; b < batches.count(); ++b) {
      Step step{team, options.seed, number, b * max_batch};
      if (fused_step) step.sink = {true, static_cast<Scalar>(options.learning_rate)};
      const Tensor& x = take_batch(b, number);
      const Tensor& logits = plan.forward(trained, x, step);
      const BatchLoss batch = loss(logits, batches.labels(b), plan.logits_gradient());
      if (!std::isfinite(batch.mean)) {
        throw Error("the loss is no longer a number in step " + std::to_string(b + 1) + " of epoch " +
                        std::to_string(number),
                    "training", "Lower --learning-rate");
      }
      plan.backward(trained, x, fused_step ? trained : gradients, step);
      if (!fused_step) optimizer.step(options.learning_rate, team);
      plan.update_state(trained);
      epoch.loss_train += batch.mean;
      right += batch.right;
    }
    epoch.seconds = seconds_since(start);
    result.seconds += epoch.seconds;
    epoch.loss_train /= static_cast<double>(batches.count());
    epoch.accuracy_train = static_cast<double>(right) / static_cast<double>(batches.images());
    watch(trained, team, epoch);
    result.history.push_back(epoch);
    if (progress && !progress(epoch)) {
      result.stopped = true;
      break;
    }
  }
  return result;
}

}  // namespace mudra
