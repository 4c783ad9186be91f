// What commands that train say on standard error while they do.
#pragma once

#include <string>

#include "mudra/cli/output.h"
#include "mudra/experiment/experiment.h"

namespace mudra {

// Data, split, network and what was chosen.
void describe_experiment(const Experiment& experiment);

// One line an epoch, rewritten on a terminal; a line every tenth of the way elsewhere.
class EpochProgress {
 public:
  explicit EpochProgress(bool quiet) : quiet_(quiet) {}
  ~EpochProgress() { line_.clear(); }  // before a message of what stopped it
  EpochProgress(const EpochProgress&) = delete;
  EpochProgress& operator=(const EpochProgress&) = delete;

  void operator()(const Experiment& experiment, size_t training, const Epoch& epoch);
  // On a line of its own.
  void warn(const Experiment& experiment, size_t training, const TrainingWarning& warning);
  // The last epoch's line stays, also when training ended early.
  void finish();

 private:
  bool quiet_;
  std::string unfinished_;
  size_t training_ = 0;
  int seen_ = 0;  // epochs; a run gone on with begins later than with the first
  double seconds_ = 0;
  ProgressLine line_;
};

}  // namespace mudra
