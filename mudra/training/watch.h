// What a training is warned of in words, from its own numbers, as soon as they tell it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/training/history.h"
#include "mudra/training/options.h"

namespace mudra {

// What the numbers of the epochs are held against.
struct TrainingFacts {
  int64_t classes = 2, images = 0, validation = 0;  // images to train on, and that choose the epoch
  double most_frequent = 1;                         // share of the largest class among the former
  int epochs = 1;                                   // asked for
};
TrainingFacts facts_of(const Dataset& data, const Fold& fold, const TrainingOptions& options);

// With L_e the training loss of epoch e, N_e the standard error of that mean over batches, K classes, a
// training of E epochs. `late` means e >= 3 and e >= E / 5: before, slow beginnings and warm-ups look the
// same.
//
//   collapse         99% of the images got one answer in each of two epochs, and no class is 90% of them
//   divergence       L_e > 2 L_1 and L_e > 1.5 log K, the loss of knowing nothing and half more of it
//   does_nothing     late, L_e > log K / 2, and all of L_1..L_e within 3 (N_1 + N_e) / 2 of each other:
//   chance
//                    alone moves the mean as much. Nobody minds a loss that stays low.
//   baseline         late, and accuracy no more than two standard errors above the largest class's share
//   validation       in the second half of at least four epochs: the 95% interval of the validation accuracy
//   of
//                    the best of them is wider than ten points, and wider than all their accuracies differ
//
// A collapse explains the two that follow, and a step too short explains the baseline: they are not said
// then.
enum class TrainingTrouble { collapse, divergence, does_nothing, baseline, validation };

struct TrainingWarning {
  TrainingTrouble trouble;
  int epoch;         // after which it was seen
  std::string text;  // what was seen, and what to try
};

// What the last epoch of `history` is the first to show, beside what `said` holds of the epochs before it.
std::vector<TrainingWarning> watch(std::span<const Epoch> history, const TrainingFacts& facts,
                                   std::span<const TrainingWarning> said);

// All that the epochs show, each trouble once.
std::vector<TrainingWarning> watch(std::span<const Epoch> history, const TrainingFacts& facts);

}  // namespace mudra
