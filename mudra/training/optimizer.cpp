#include "mudra/training/optimizer.h"

#include <algorithm>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/simd/updates.h"

namespace mudra {
namespace {

const std::vector<std::string> names = {"sgd", "momentum", "nesterov", "adam", "adamw"};

constexpr int64_t task_size = 16384;  // scalars

}  // namespace

OptimizerKind optimizer_kind(const std::string& name) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<OptimizerKind>(i);
  }
  throw usage_error("no optimizer is called '" + name + "'", "--optimizer", did_you_mean(name, names));
}

Optimizer::Optimizer(const OptimizerOptions& options, Network& network, Network& gradients)
    : options_(options) {
  const bool has_second = options.kind == OptimizerKind::adam || options.kind == OptimizerKind::adamw;
  const std::vector<Network::Named> weights = network.parameters();
  const std::vector<Network::Named> slopes = gradients.parameters();
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!weights[i].trained) continue;
    const Parameter& parameter = weights[i].parameter;
    const Shape& shape = parameter.tensor->shape();
    for (int64_t begin = 0; begin < shape.elements(); begin += task_size) {
      tasks_.push_back({slots_.size(), begin, std::min(task_size, shape.elements() - begin)});
    }
    slots_.push_back({parameter.tensor, slopes[i].parameter.tensor, parameter.decay,
                      is_plain() ? Tensor() : Tensor(shape), has_second ? Tensor(shape) : Tensor()});
  }
}

void Optimizer::step(double rate, ThreadTeam& team) {
  ++steps_;
  beta1_power_ *= options_.beta1;
  beta2_power_ *= options_.beta2;
  team.run(static_cast<int64_t>(tasks_.size()), [&](int64_t i) {
    const Task& task = tasks_[static_cast<size_t>(i)];
    update(slots_[task.slot], task.begin, task.count, rate);
  });
}

void Optimizer::update(Slot& slot, int64_t begin, int64_t count, double rate) const {
  Scalar* weights = slot.weights->data() + begin;
  const Scalar* gradient = slot.gradient->data() + begin;
  const double decay = slot.decay == Decay::yes ? options_.weight_decay : 0;
  const auto scalar = [](double value) { return static_cast<Scalar>(value); };
  if (is_plain()) return descend(scalar(rate), gradient, count, weights);
  switch (options_.kind) {
    case OptimizerKind::sgd:
    case OptimizerKind::momentum:
    case OptimizerKind::nesterov: {
      const double momentum = options_.kind == OptimizerKind::sgd ? 0 : options_.momentum;
      momentum_step({scalar(rate), scalar(momentum), scalar(decay), options_.kind == OptimizerKind::nesterov},
                    gradient, count, slot.first.data() + begin, weights);
      return;
    }
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      adam_step({scalar(rate), scalar(options_.beta1), scalar(options_.beta2), scalar(options_.epsilon),
                 scalar(1 / (1 - beta1_power_)), scalar(1 / (1 - beta2_power_)), scalar(decay),
                 options_.kind == OptimizerKind::adamw},
                gradient, count, slot.first.data() + begin, slot.second.data() + begin, weights);
  }
}

}  // namespace mudra
