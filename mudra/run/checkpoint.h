// checkpoint.safetensors in a run's folder: an experiment that is not over yet.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mudra/experiment/experiment.h"

namespace mudra {

// A hash of what an experiment's result depends on: options (but for those of the run), split, labels, and a
// sample of the pixels.
std::string identity_of(const Experiment& experiment);

inline std::filesystem::path checkpoint_path(const std::filesystem::path& folder) {
  return folder / "checkpoint.safetensors";
}

// The trainings that are over, and the state of the one going on. The file appears whole or not at all: a
// full disk leaves the one before. Throws Error.
void save_checkpoint(const std::string& identity, const std::vector<FoldResult>& done, const Trainer& now,
                     const std::filesystem::path& folder);

// With what kills in the middle of writing left behind.
void remove_checkpoint(const std::filesystem::path& folder);

// Throws Error when the file is damaged or of another identity. Whether the trainer's state fits is seen when
// it is restored.
Resumption load_checkpoint(const std::filesystem::path& folder, const std::string& identity);

}  // namespace mudra
