// checkpoint.safetensors in a run's folder: a run that is not over yet.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mudra/evaluation/predict.h"
#include "mudra/training/trainer.h"

namespace mudra {

// A training that is over: one fold's.
struct FoldResult {
  std::vector<Epoch> history;
  int kept_epoch = 0;
  Answers answers;  // for its test rows
};

struct Checkpoint {
  std::string identity;           // of data, split and options; another run has another
  std::vector<FoldResult> folds;  // over
  std::string trouble;            // of those
  TrainingState state;            // of the training going on
};

// A hash of what a run's result depends on: options (but for threads and checkpoints), split, labels, and a
// sample of the pixels.
std::string identity_of(const Options& options, const Split& split, const Dataset& data);

inline std::filesystem::path checkpoint_path(const std::filesystem::path& folder) {
  return folder / "checkpoint.safetensors";
}

// The file appears whole or not at all: a full disk leaves the one before. Throws Error.
void save_checkpoint(const Checkpoint& done, const TrainingState& state, const std::filesystem::path& folder);

// With what kills in the middle of writing left behind.
void remove_checkpoint(const std::filesystem::path& folder);

// `fresh`, as start_training makes it, says what the state must look like. Throws Error when the file is
// damaged or of another identity.
Checkpoint load_checkpoint(const std::filesystem::path& folder, const std::string& identity,
                           const TrainingState& fresh);

}  // namespace mudra
