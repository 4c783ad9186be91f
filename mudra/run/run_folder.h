// The folder a run leaves behind, written while an experiment goes on:
//
//   options.toml, split.json   from the beginning
//   metrics.jsonl              a line for each epoch when it is over; lines are only ever added, but a run
//   that is gone
//                              on with first cuts the file back to its checkpoint
//   checkpoint.safetensors     while it trains, every --checkpoint seconds
//   predictions.csv            in the end: what was answered for every held-out image
//   trained_on.txt             then: hashes of the images the model was trained on
//   model.safetensors          last of all: a folder without it is of a run that is not over
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "mudra/core/stopwatch.h"
#include "mudra/experiment/experiment.h"

namespace mudra {

// Makes `out` (with parents), or if it is empty runs/NAME-1, runs/NAME-2, ...: the first that is free. Throws
// Error when it cannot be made or `out` already holds a model or a run that was stopped. `option` is the one
// that chose `out`.
std::filesystem::path make_run_folder(const std::string& out, const std::string& name,
                                      const std::string& option = "--out");

// Listens to an experiment and writes what is to be kept. Throws Error, which says how to go on, when it
// cannot. The experiment must outlive it. One thread at a time.
class RunFolder {
 public:
  RunFolder(const Experiment& experiment, std::filesystem::path folder);

  // Writes what a run that is cut short goes on from.
  void begin();
  // Where a run that was cut short goes on; nothing when it had no checkpoint yet. Cuts metrics.jsonl back.
  std::optional<Resumption> resume();

  void add_epoch(size_t training, const Epoch& epoch);
  void save_if_due(const std::vector<FoldResult>& done, const Trainer& now);
  void save(const std::vector<FoldResult>& done, const Trainer& now);
  void finish(const ExperimentResult& result);
  std::string how_to_go_on() const;  // "Go on with `mudra train --resume FOLDER`"

 private:
  void guarded(const std::function<void()>& work) const;

  const Experiment& experiment_;
  std::filesystem::path folder_;
  std::string identity_;
  double wait_;  // seconds from the last checkpoint to the next
  Stopwatch since_;
};

}  // namespace mudra
