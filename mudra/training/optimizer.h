// Weights follow their gradients.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mudra/network/network.h"

namespace mudra {

enum class OptimizerKind { sgd, momentum, nesterov, adam, adamw };
OptimizerKind optimizer_kind(const std::string& name);  // throws a usage Error

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;  // not on biases and norms
};

// Steps a network down the slopes in `gradients`; both must outlive it. step() allocates nothing.
class Optimizer {
 public:
  Optimizer(const OptimizerOptions& options, Network& network, Network& gradients);

  // Whether a step is just weights -= rate * gradient, which a gradient kernel can do by itself.
  bool is_plain() const { return options_.kind == OptimizerKind::sgd && options_.weight_decay == 0; }

  void step(double rate, ThreadTeam& team);

 private:
  struct Slot {
    Tensor* weights;
    const Tensor* gradient;
    Decay decay;
    Tensor first, second;  // moments, as far as the kind needs them
  };
  void update(Slot& slot, int64_t begin, int64_t count, double rate) const;

  OptimizerOptions options_;
  int64_t steps_ = 0;
  double beta1_power_ = 1, beta2_power_ = 1;  // beta^steps
  std::vector<Slot> slots_;
  struct Task {
    size_t slot;
    int64_t begin, count;
  };
  std::vector<Task> tasks_;
};

}  // namespace mudra
