// A model's answers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/network/model.h"

namespace mudra {

struct Predictions {
  std::vector<int32_t> labels;  // N: index of the largest probability, the first of equals
  Tensor probabilities;         // [N, classes]
  Tensor logits;                // [N, classes]; [N, 1] for two classes
};

inline constexpr int64_t answered_together = 256;  // images

// Answers for the images at `rows`, which must be of the network's input size. An image gets the same bits in
// any batch and for any team.
Predictions predict(const Network& network, int64_t classes, const Dataset& data, std::span<const Row> rows,
                    ThreadTeam& team);

// What a test keeps of a model's answers.
struct Answers {
  std::vector<int32_t> labels;    // N: the class answered
  std::vector<float> confidence;  // N: its probability
  std::vector<float> truth;       // N: the probability of the true class

  void append(const Answers& more);
};

// The answers for labelled images, as predict() gives them, with memory for no more than what is kept.
Answers answers_for(const Network& network, const Dataset& data, std::span<const Row> rows, ThreadTeam& team);

}  // namespace mudra
