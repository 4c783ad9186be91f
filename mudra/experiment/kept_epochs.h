// Epochs of a training that are kept (--keep-epochs), for whoever wants to see a network learn: what it was
// and what it answered then. Of each, three files in the folder `epochs` of the run's folder:
//
//   epoch-7.safetensors   a model file, which any command takes as --model
//   epoch-7.csv           its answers for the held-out images, in the form of predictions.csv
//   epoch-7.json          {epoch, fold, n, right, labels: [K], confusion: [K][K], rows true}; written last
//
// Epoch 0 is the network before training. With several folds the epochs are those of
// Experiment::shown_training(), whose curves a page shows: a slider goes through the life of one network.
#pragma once

#include <filesystem>
#include <vector>

#include "mudra/experiment/experiment.h"
#include "mudra/experiment/predictions.h"

namespace mudra {

struct KeptEpoch {
  int number = 0;   // whole epochs: 0 before the first
  Model model;      // with the weights that the epoch's losses are of
  Answers answers;  // for the training's test rows, at temperature 1
};

// `count` of the numbers 0 to `of` - 1, evenly spread, the first and the last among them; all where there are
// no more. A single one is the last.
std::vector<size_t> evenly_spread(size_t count, size_t of);

// 0, then `keep` of the epochs 1 to `epochs`, the first and the last among them: all where there are no more.
// None for keep = 0.
std::vector<int> epochs_to_keep(int keep, int epochs);

// Whether the options ask for the state that a training is in, between two epochs. A training that ends for
// want of patience ends with an epoch that is kept.
bool is_epoch_kept(const Experiment& experiment, size_t training, const Trainer& now);

// Asks the network, as it is between two epochs, about the held-out images.
KeptEpoch keep_epoch(const Experiment& experiment, const Trainer& now, ThreadTeam& team);

// Into the run's folder; each file appears whole or not at all. Nobody else may be writing there. Throws
// Error.
void write_kept_epoch(const Experiment& experiment, const KeptEpoch& kept,
                      const std::filesystem::path& folder);

// The epochs that a run's folder has whole, in ascending order. Throws Error when they cannot be listed.
std::vector<int> kept_epochs_in(const std::filesystem::path& folder);

// Throw Error when the file is not there or damaged.
Model read_kept_model(const std::filesystem::path& folder, int epoch);
Predictions read_kept_answers(const std::filesystem::path& folder, int epoch);

// Removes the files above, and `epochs` if nothing else is in it. Throws Error when they cannot be listed.
void remove_kept_epochs(const std::filesystem::path& folder);

}  // namespace mudra
