// The training loop: batches in, a trained network and its history out.
#pragma once

#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/network/network.h"
#include "mudra/training/optimizer.h"
#include "mudra/training/options.h"

namespace mudra {

struct Epoch {
  int number = 0;             // from 1
  double rate = 0;            // learning rate of the epoch's last step
  double loss_train = 0;      // mean over the epoch's batches, each before its step
  double accuracy_train = 0;  // of the same predictions
  // After the epoch, of the weights that would be kept (averaged ones with --ema). NaN without such a part.
  double loss_validation = std::numeric_limits<double>::quiet_NaN();  // chooses the epoch to keep
  double accuracy_validation = std::numeric_limits<double>::quiet_NaN();
  double loss_held_out = std::numeric_limits<double>::quiet_NaN();  // watched, it chooses nothing
  double accuracy_held_out = std::numeric_limits<double>::quiet_NaN();
  double seconds = 0;  // of optimisation steps
};

// Everything that changes while training: the past as far as the future needs it. Options, data and fold
// being the same, training goes on from any state to the same bits.
struct TrainingState {
  Network network;  // weights that follow the gradient
  Moments moments;
  Network average;  // of the weights, with --ema
  Network kept;  // weights to hand out: of the best epoch with a validation part, else of the last whole one
  int kept_epoch = 0;
  int epoch = 1;               // the one going on, from 1
  int64_t batch = 0;           // its next batch
  double loss = 0;             // sum over its batches so far
  int64_t right = 0;           // examples predicted rightly so far
  double seconds = 0;          // of its steps so far
  std::vector<Epoch> history;  // whole epochs
};

enum class Ending {
  finished,  // all epochs
  patience,  // --patience epochs without a lower validation loss
  stopped,   // an event asked for it
  diverged,  // a loss or a weight is no longer a number
};

struct Training {
  Network network;     // as `kept` of the state
  int kept_epoch = 0;  // whose weights these are
  std::vector<Epoch> history;
  double seconds = 0;  // optimisation steps only
  Ending ending = Ending::finished;
  std::string trouble;  // when diverged: "the loss is no longer a number in step 3 of epoch 7"
};

// What training tells while it runs; either may be empty, either stops it by returning false.
struct TrainingEvents {
  std::function<bool(const Epoch&)> epoch;
  std::function<bool(const TrainingState&)> step;  // after every step, and once an epoch is over
};

// The state before the first step of `network`, already initialised.
TrainingState start_training(Network network, const Options& options);

// Trains on the fold's training part. The data must be of the network's input size. An image
// counts its example weight times its class weight in the loss. Same options, data and
// seed: the same bits, for any team, fused or plain. Throws Error when the loss is no number before an epoch
// is whole.
Training train(TrainingState state, const Dataset& data, const Fold& fold, const Options& options,
               ThreadTeam& team, const TrainingEvents& events = {}, bool fuse = true);
Training train(Network network, const Dataset& data, const Fold& fold, const Options& options,
               ThreadTeam& team, const TrainingEvents& events = {}, bool fuse = true);

Initialization initialization(const std::string& name);

// How many of `available` threads a training step of `batch` images is worth: one for every fifty million
// multiply-adds, at least one. Below that, a member that loses its processor costs more than the others save.
// The result does not depend on it.
int worthwhile_threads(const Network& network, int64_t batch, int available);
// The same of any work of so many multiply-adds between two waits for all threads.
int worthwhile_threads(int64_t multiply_adds, int available);

}  // namespace mudra
