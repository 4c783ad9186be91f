// Losses from logits: binary cross entropy for two classes (one logit), categorical for more.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mudra/core/tensor.h"
#include "mudra/simd/shards.h"

namespace mudra {

struct LossOptions {
  double label_smoothing = 0;  // share of every target spread evenly over the classes
};

struct BatchLoss {
  double sum = 0;   // weighted, over the examples at hand: Σ wₙ lₙ, in the shards of a batch (shards.h)
  double mean = 0;  // the same divided by the whole batch's N
  int64_t right = 0;    // examples whose largest probability is their label's
  int64_t counted = 0;  // of so many: all examples, or the answers that count of a network with heads
};

// Softmax cross entropy of one row of K logits z against a label, a share of whose target is spread evenly:
//   l = log Σ_c exp z_c - Σ_c t_c z_c      t_c = (1 - smoothing) [c is the label] + smoothing / K
//   dl/dz_c = p_c - t_c,  p = softmax(z)
class SoftmaxRow {
 public:
  SoftmaxRow(int64_t classes, double smoothing);
  // `e` are exp(z_c - maximum); keeps their sum for gradient().
  double loss(const Scalar* z, const Scalar* e, Scalar maximum, int32_t label);
  // dz_c = weight dl/dz_c / divisor
  void gradient(const Scalar* e, int32_t label, Scalar weight, Scalar divisor, Scalar* dz) const;

 private:
  int64_t classes_;
  Scalar smoothed_, peak_;
  double sum_ = 1;
};

// Mean loss of logits [N, 1 or classes] against labels [N], and its gradient. N may be 1 to max_batch, and a
// label 0 to classes - 1. An object has scratch memory of its own: one for each thread.
class Loss {
 public:
  Loss(int64_t classes, int64_t max_batch, LossOptions options = {});

  // Fills dlogits, already divided by N, unless it is empty. `weights` says what each example counts, [N];
  // empty: 1 each. The sum is divided by N, not by the sum of weights: so a batch of one class counts what
  // its class counts. `shards`: of which whole batch these examples are a part, whose size N then is.
  // `answered`, unless it is empty, [classes]: one is added for each example of this most likely class.
  BatchLoss operator()(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits,
                       std::span<const Scalar> weights = {}, const Shards& shards = {},
                       std::span<int64_t> answered = {});

 private:
  using Weights = std::span<const Scalar>;
  // Leave each example's weighted loss in example_losses_ and its most likely class in answers_.
  void binary(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits, Weights weights,
              Scalar batch_size);
  void categorical(const Tensor& logits, std::span<const int32_t> labels, Tensor& dlogits, Weights weights,
                   Scalar batch_size);

  int64_t classes_;
  LossOptions options_;
  Tensor losses_, targets_, gradient_;  // of the logits, before division by N
  std::vector<double> example_losses_;
  std::vector<int32_t> answers_;
};

// Fills out [N, classes] with the probabilities of logits [N, 1 or classes], by softmax or, for two classes,
// by sigmoid: [1 - p, p].   temperature: above 0; logits are divided by it first
void probabilities(const Tensor& logits, int64_t classes, Tensor& out, Scalar temperature = 1);

// Index of the largest of `classes` values, the first of equals.
int32_t argmax(const Scalar* row, int64_t classes);

}  // namespace mudra
