// The gradients of a batch, for whoever wants to look at them: a training moves weights without.
#pragma once

#include <cstdint>
#include <span>

#include "mudra/network/loss.h"
#include "mudra/network/network.h"

namespace mudra {

struct LossGradients {
  BatchLoss loss;
  Network gradients;  // of the mean loss, in place of each trained value behind the frozen layers
};

// Of prepared images x [N, H, W, C] and their labels [N], each below `classes`, N at least 1. The network
// must have no heads. As in training dropout drops, and batch-norm takes the batch's own mean and variance;
// the first `frozen` layers run as to infer.
LossGradients loss_gradients(const Network& network, const Tensor& x, std::span<const int32_t> labels,
                             int64_t classes, ThreadTeam& team, size_t frozen = 0);

}  // namespace mudra
