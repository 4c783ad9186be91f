// Weights follow their gradients.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mudra/core/named.h"
#include "mudra/network/network.h"

namespace mudra {

enum class OptimizerKind { sgd, momentum, nesterov, adam, adamw };
template <>
struct Named<OptimizerKind> {
  static constexpr std::pair<OptimizerKind, std::string_view> values[] = {
      {OptimizerKind::sgd, "sgd"},
      {OptimizerKind::momentum, "momentum"},
      {OptimizerKind::nesterov, "nesterov"},
      {OptimizerKind::adam, "adam"},
      {OptimizerKind::adamw, "adamw"}};
};

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0.9;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;  // not on biases and norms
  double clip = 0;          // largest length of the gradient over all parameters; 0: any

  // Whether a step is just weights -= rate * gradient, which a gradient kernel can do by itself.
  bool is_plain() const { return is_descent() && clip == 0; }
  bool is_descent() const { return kind == OptimizerKind::sgd && weight_decay == 0; }
};

// What an optimizer remembers between steps, laid out as the network itself; without layers where the kind
// needs none.
struct Moments {
  Network first, second;
  int64_t steps = 0;
};
Moments make_moments(const OptimizerOptions& options, const Network& network);

// Moves a network's weights against `gradients`, but for those of its first `frozen` layers; all three must
// outlive it. step() allocates nothing. One thread at a time.
class Optimizer {
 public:
  Optimizer(const OptimizerOptions& options, Network& network, Network& gradients, Moments& moments,
            int frozen = 0);

  void step(double rate, ThreadTeam& team);

 private:
  struct Slot {
    Tensor* weights;
    Tensor* gradient;
    Decay decay;
    Tensor *first, *second;  // null where the kind needs none
  };
  struct Task {
    size_t slot;
    int64_t begin, count;
  };
  void update(const Task& task, double rate, Scalar scale) const;
  double gradient_length(ThreadTeam& team);

  OptimizerOptions options_;
  Moments& moments_;
  double beta1_power_ = 1, beta2_power_ = 1;  // beta^steps
  std::vector<Slot> slots_;
  std::vector<Task> tasks_;
  std::vector<double> squares_;  // of every task's gradients
};

// Moving average of a network's weights: average += (1 - decay) (weights - average) for every trained value.
// Early steps forget faster, decay <= (1 + step) / (10 + step) with the first step 1, so that the initial
// weights soon weigh nothing (as TensorFlow's ExponentialMovingAverage with num_updates). Both networks must
// outlive it; step() allocates nothing.
class WeightAverage {
 public:
  WeightAverage(double decay, Network& average, Network& network);

  void step(int64_t number, ThreadTeam& team);

 private:
  struct Task {
    Scalar* average;
    const Scalar* weights;
    int64_t count;
  };
  double decay_;
  std::vector<Task> tasks_;
};

}  // namespace mudra
