// The training loop: batches in, a trained network and its history out.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/network/network.h"
#include "mudra/training/options.h"

namespace mudra {

struct Epoch {
  int number = 0;             // from 1
  double loss_train = 0;      // mean over the epoch's batches, each before its step
  double accuracy_train = 0;  // of the same predictions
  double loss_held_out = 0;   // after the epoch; watched, it chooses nothing
  double accuracy_held_out = 0;
  double seconds = 0;  // of optimisation steps
};

struct Training {
  Network network;
  std::vector<Epoch> history;
  double seconds = 0;    // optimisation steps only
  bool stopped = false;  // progress asked to stop
};

// How an epoch is reported; returning false stops the training.
using Progress = std::function<bool(const Epoch&)>;

// Trains `network`, already initialised, on the fold's training part. The data must be of the network's input
// size. Same options, data and seed: the same bits, for any team. Throws Error when the loss is no number.
Training train(Network network, const Dataset& data, const Fold& fold, const Options& options,
               ThreadTeam& team, const Progress& progress = {}, bool fuse = true);

Initialization initialization(const std::string& name);

}  // namespace mudra
