// Losses from logits: binary cross entropy for two classes (one logit), categorical for more.
#pragma once

#include <cstdint>
#include <span>

#include "mudra/core/tensor.h"

namespace mudra {

struct LossOptions {
  double label_smoothing = 0;  // share of every target spread evenly over the classes
};

struct BatchLoss {
  double mean = 0;    // over the batch, weighted: Σ wₙ lₙ / N
  int64_t right = 0;  // examples whose largest probability is their label's
};

// Mean loss of logits [N, 1 or classes] against labels [N], and its gradient. N may be 1 to max_batch, and a
// label 0 to classes - 1. An object has scratch memory of its own: one for each thread.
class Loss {
 public:
  Loss(int64_t classes, int64_t max_batch, LossOptions options = {});

  // Fills dlogits, already divided by N, unless it is empty. `weights` says what each example counts, [N];
  // empty: 1 each. The sum is divided by N, not by the sum of weights: so a batch of one class counts what
  // its class counts.
  BatchLoss operator()(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits,
                       std::span<const Scalar> weights = {});

 private:
  using Weights = std::span<const Scalar>;
  BatchLoss binary(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits, Weights weights);
  BatchLoss categorical(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits,
                        Weights weights);

  int64_t classes_;
  LossOptions options_;
  Tensor losses_, targets_, gradient_;  // of the logits, before division by N
};

// Fills out [N, classes] with the probabilities of logits [N, 1 or classes], by softmax or, for two classes,
// by sigmoid: [1 - p, p].   temperature: above 0; logits are divided by it first
void probabilities(const Tensor& logits, int64_t classes, Tensor& out, Scalar temperature = 1);

// Index of the largest of `classes` values, the first of equals.
int32_t argmax(const Scalar* row, int64_t classes);

}  // namespace mudra
