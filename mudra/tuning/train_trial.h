// One trial: the trainings of its inner folds, from where they stand to the next rung.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "mudra/training/history.h"
#include "mudra/tuning/halving.h"
#include "mudra/tuning/tuning.h"

namespace mudra {

// What a trial came to at a rung.
struct TrialResult {
  Ending ending = Ending::finished;
  RungScore score;
  std::vector<std::string> weights;  // a state for each inner fold
  std::string problem;               // why it diverged
};

// Trains a trial's networks, one for each inner fold, until `epochs` are whole: from the start, or from
// `weights`. Same bits for any number of threads.
TrialResult train_trial(const Tuning& tuning, const Search& search, const Draw& draw, int epochs,
                        const std::vector<std::string>& weights, int threads, const std::stop_token& stop);

}  // namespace mudra
