// What the answers to a batch of a data set's images cost, by their labels or their targets.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/features/augmentation.h"
#include "mudra/network/heads_loss.h"
#include "mudra/network/network.h"

namespace mudra {

// Throws Error unless the network can be trained on the data's targets, without which it needs none: they
// must fit its heads, and nothing may move what they say. Where a network of one place has a single head, of
// classes, labels do when there are no targets.
void check_targets(const Network& network, const Dataset& data, const Augmentation& augment);

// Without heads: the loss against labels. With heads: against targets, which check_targets() has found to
// fit. One thread at a time; the data must outlive it.
class TrainingLoss {
 public:
  TrainingLoss(const Network& network, const Dataset& data, int64_t max_batch,
               const LossOptions& options = {});

  // Of images at `rows` of the data, which have `labels`; the rest as in Loss. Takes no memory. Throws Error
  // for targets that cannot be.
  BatchLoss operator()(const Tensor& outputs, std::span<const int32_t> labels, std::span<const Row> rows,
                       Tensor& doutputs, std::span<const Scalar> weights = {},
                       std::span<int64_t> answered = {});

 private:
  const Tensor& targets_of(std::span<const int32_t> labels, std::span<const Row> rows);

  const Dataset& data_;
  std::vector<Head> heads_;
  std::optional<Loss> by_label_;
  std::optional<HeadsLoss> by_target_;
  Tensor targets_;  // [N, places, T]
};

// Classes among which the answers of a network are counted: those of its first such head; 0 without one.
int64_t counted_classes(const Network& network, const Dataset& data);

}  // namespace mudra
