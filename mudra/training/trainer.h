// The training loop, step by step: batches in, a trained network and its history out.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/network/network.h"
#include "mudra/network/safetensors.h"
#include "mudra/training/history.h"
#include "mudra/training/options.h"
#include "mudra/training/watch.h"

namespace mudra {

class Trainer;

// What Trainer::run tells; any may be empty.
struct TrainingEvents {
  std::function<void(const Trainer&, const Epoch&)> epoch;  // after every epoch
  std::function<void(const Trainer&)> step;  // after every step; the last one of an epoch before its end
  // What its numbers warn of, each once, when they do: behind the epoch's own event. The text of a loss that
  // is no number is problem() with what to try.
  std::function<void(const Trainer&, const TrainingWarning&)> warning;
};

// Trains a network on a fold's training part. Options, data and seed being the same, training goes on from
// any state to the same bits, for any team, fused or plain. An image counts its example weight times its
// class weight in the loss. A network with heads is trained on the data's targets (training_loss.h) and is
// warned of nothing. One thread at a time; several trainers may share data, but not a team.
class Trainer {
 public:
  // `network` has the weights to begin with, and its input is of the size of the data's images. Data, fold
  // and team must outlive the trainer. Throws Error when the data lack the targets the network needs, or an
  // augmentation would move what the targets say. With fuse = false nothing is fused: the same bits, slower.
  Trainer(Network network, const Dataset& data, const Fold& fold, const TrainingOptions& options,
          uint64_t seed, ThreadTeam& team, bool fuse = true);
  // A second training in the same state, on the same data; the two go on independently. `team`: for the copy.
  Trainer(const Trainer& other, ThreadTeam& team);
  Trainer(Trainer&&) noexcept;
  ~Trainer();

  // Steps and ends epochs until `epochs` are whole, which may be fewer or more than the options' own, or
  // there is no more patience, or the training diverged, or a stop is requested.
  Ending run(int epochs, const TrainingEvents& events = {}, const std::stop_token& stop = {});
  Ending run(const TrainingEvents& events = {}, const std::stop_token& stop = {});  // options.epochs of them

  // One batch, unless all of the epoch's are done: then finish_epoch() is next. False, and nothing happens
  // any more, once the loss or a weight is no number; the weights kept are then those of the last good epoch.
  // Takes no memory.
  bool step();
  bool is_epoch_over() const;
  // After the epoch's last step: scores the validation and the held-out part, and keeps the weights if they
  // are the best. False as for step().
  bool finish_epoch();

  const std::vector<Epoch>& history() const;             // of whole epochs
  const std::vector<TrainingWarning>& warnings() const;  // of whole epochs
  int epoch() const;                                     // the one going on, from 1
  int64_t steps() const;                                 // done in all
  bool is_out_of_patience() const;
  // The rows of the data that the next step takes, in its order, until then; none once the epoch's steps are
  // done.
  std::span<const Row> next_batch();
  double last_loss() const;            // of the last step's batch, before that step; NaN before the first one
  const std::string& problem() const;  // "the loss is no longer a number in step 3 of epoch 7", or empty

  // The weights to hand out: of the epoch of lowest validation loss, or of the last whole one without such a
  // part. Throws Error before the first epoch is whole.
  const Network& kept() const;
  int kept_epoch() const;  // 0: none yet

  // The weights that follow the gradient. Setting them leaves moments and averages as they are; the network
  // must be of the same architecture.
  const Network& network() const;
  // Those that the losses after an epoch are of: the same, or with --ema their average.
  const Network& reported() const;
  void set_weights(const Network& network);

  // Everything a training needs to go on later or elsewhere, as bytes (a safetensors container). restore()
  // throws Error, with `where` as its place, when they are no state of such a training.
  std::string state() const;
  void restore(std::string_view bytes, const std::string& where);
  // Goes on from a training on other data: with all that it has learned and remembers, from the beginning of
  // the epoch it was in.
  void go_on_from(std::string_view bytes, const std::string& where);
  // The same among the other things of a container.
  void put_state(Safetensors& content) const;
  void restore(const Safetensors& content, const std::string& where);

 private:
  Ending diverged(const TrainingEvents& events) const;

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// How many of `available` threads a training step of `batch` images is worth: one for every fifty million
// multiply-adds, at least one. Below that, a member that loses its processor costs more than the others save.
// The result does not depend on it.
int worthwhile_threads(const Network& network, int64_t batch, int available);
// The same of any work of so many multiply-adds between two waits for all threads.
int worthwhile_threads(int64_t multiply_adds, int available);

}  // namespace mudra
