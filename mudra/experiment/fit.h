// A training on all examples there are, for a program that tests by itself.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/experiment/experiment.h"

namespace mudra {

// What is to be learned from. Rows of F features are images [N, 1, F, 1] whose values are taken as they are.
// Their network begins with a batch-norm layer that holds the mean and the variance of each feature among the
// training examples and does not learn, so that the layers behind it see features standardised.
struct FitData {
  Dataset data;
  Dataset watched{};  // a test part, empty for none: told of in every epoch, it chooses nothing
  bool are_features = false;
};

// So many layers stand in front of the network for features: flatten and that batch-norm.
inline constexpr int standardising_layers = 2;

struct Fitted {
  Model model;
  std::vector<Epoch> history;
  int kept_epoch = 0;  // 0: stopped before an epoch was whole, the weights are those of the last step
  Ending ending = Ending::finished;
  std::string problem;  // why it was cut short; empty if it was not
  std::vector<TrainingWarning> warnings;
  std::string state;  // Trainer::state()
};

// Settles what is trained: an experiment with one training, which holds nothing out but the share that
// options.validation asks for (by group where groups are known, else within classes). Chooses what nobody
// chose, by choose_to_fit(). Throws Error.
Experiment prepare_fit(FitData data, Options options);

// Trains it. A model of the same options, data, seed and split from `mudra train` has the same bytes.
//   state   of an earlier training, to go on from; empty: from the beginning
//   epochs  to train now
// Throws Error when no epoch was whole but for a stop.
Fitted fit(const Experiment& experiment, ThreadTeam& team, std::string_view state, int epochs,
           const TrainingEvents& events = {}, const std::stop_token& stop = {});

}  // namespace mudra
