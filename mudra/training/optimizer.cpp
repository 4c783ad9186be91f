#include "mudra/training/optimizer.h"

#include <algorithm>
#include <cmath>

#include "mudra/simd/updates.h"

namespace mudra {
namespace {

constexpr int64_t task_size = 16384;  // scalars

double sum_of_squares(const Scalar* x, int64_t count) {
  constexpr int64_t lanes = 16;
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const double value = static_cast<double>(x[i + lane]);
      sums[lane] += value * value;
    }
  }
  for (int64_t lane = 0; i < count; ++i, ++lane) {
    const double value = static_cast<double>(x[i]);
    sums[lane] += value * value;
  }
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

}  // namespace

Moments make_moments(const OptimizerOptions& options, const Network& network) {
  const bool has_second = options.kind == OptimizerKind::adam || options.kind == OptimizerKind::adamw;
  Moments moments;
  const auto zeros = [&](Network& copy) {
    copy = network;
    for (const Network::Named& named : copy.parameters()) named.parameter.tensor->fill(0);
  };
  if (!options.is_descent()) zeros(moments.first);
  if (has_second) zeros(moments.second);
  return moments;
}

Optimizer::Optimizer(const OptimizerOptions& options, Network& network, Network& gradients, Moments& moments,
                     int frozen)
    : options_(options), moments_(moments) {
  const std::vector<Network::Named> weights = network.parameters();
  const std::vector<Network::Named> of_gradients = gradients.parameters();
  const std::vector<Network::Named> first = moments.first.parameters();
  const std::vector<Network::Named> second = moments.second.parameters();
  for (size_t i = 0; i < weights.size(); ++i) {
    const bool is_frozen = std::stoi(weights[i].name) < frozen;  // "12.weight" is of layer 12
    if (!weights[i].trained || is_frozen) continue;
    const Parameter& parameter = weights[i].parameter;
    const int64_t size = parameter.tensor->size();
    for (int64_t begin = 0; begin < size; begin += task_size) {
      tasks_.push_back({slots_.size(), begin, std::min(task_size, size - begin)});
    }
    slots_.push_back({parameter.tensor, of_gradients[i].parameter.tensor, parameter.decay,
                      first.empty() ? nullptr : first[i].parameter.tensor,
                      second.empty() ? nullptr : second[i].parameter.tensor});
  }
  squares_.resize(tasks_.size());
  for (int64_t step = 0; step < moments.steps; ++step) {
    beta1_power_ *= options_.beta1;
    beta2_power_ *= options_.beta2;
  }
}

void Optimizer::step(double rate, ThreadTeam& team) {
  ++moments_.steps;
  beta1_power_ *= options_.beta1;
  beta2_power_ *= options_.beta2;
  Scalar scale = 1;
  if (options_.clip > 0) {
    const double length = gradient_length(team);
    if (length > options_.clip) scale = static_cast<Scalar>(options_.clip / length);
  }
  team.run(static_cast<int64_t>(tasks_.size()),
           [&](int64_t i) { update(tasks_[static_cast<size_t>(i)], rate, scale); });
}

// Every task sums its squares in 16 lanes, then lanes and tasks are added in order: the same bits for any
// team. The square of a float is exact in double, so fused or not makes no difference either.
double Optimizer::gradient_length(ThreadTeam& team) {
  team.run(static_cast<int64_t>(tasks_.size()), [&](int64_t i) {
    const Task& task = tasks_[static_cast<size_t>(i)];
    squares_[static_cast<size_t>(i)] =
        sum_of_squares(slots_[task.slot].gradient->data() + task.begin, task.count);
  });
  double sum = 0;
  for (const double square : squares_) sum += square;
  return std::sqrt(sum);
}

void Optimizer::update(const Task& task, double rate, Scalar scale) const {
  const Slot& slot = slots_[task.slot];
  const int64_t begin = task.begin, count = task.count;
  Scalar* weights = slot.weights->data() + begin;
  Scalar* gradient = slot.gradient->data() + begin;
  const double decay = slot.decay == Decay::yes ? options_.weight_decay : 0;
  const auto scalar = [](double value) { return static_cast<Scalar>(value); };
  if (scale != 1) {
    for (int64_t i = 0; i < count; ++i) gradient[i] *= scale;
  }
  if (options_.is_descent()) return descend(scalar(rate), gradient, count, weights);
  Scalar* first = slot.first->data() + begin;
  switch (options_.kind) {
    case OptimizerKind::sgd:
    case OptimizerKind::momentum:
    case OptimizerKind::nesterov: {
      const double momentum = options_.kind == OptimizerKind::sgd ? 0 : options_.momentum;
      momentum_step({scalar(rate), scalar(momentum), scalar(decay), options_.kind == OptimizerKind::nesterov},
                    gradient, count, first, weights);
      return;
    }
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      adam_step({scalar(rate), scalar(options_.beta1), scalar(options_.beta2), scalar(options_.epsilon),
                 scalar(1 / (1 - beta1_power_)), scalar(1 / (1 - beta2_power_)), scalar(decay),
                 options_.kind == OptimizerKind::adamw},
                gradient, count, first, slot.second->data() + begin, weights);
  }
}

WeightAverage::WeightAverage(double decay, Network& average, Network& network) : decay_(decay) {
  const std::vector<Network::Named> to = average.parameters();
  const std::vector<Network::Named> from = network.parameters();
  for (size_t p = 0; p < to.size(); ++p) {
    if (!to[p].trained) continue;
    Tensor& mean = *to[p].parameter.tensor;
    for (int64_t begin = 0; begin < mean.size(); begin += task_size) {
      tasks_.push_back({mean.data() + begin, from[p].parameter.tensor->data() + begin,
                        std::min(task_size, mean.size() - begin)});
    }
  }
}

void WeightAverage::step(int64_t number, ThreadTeam& team) {
  const double early = static_cast<double>(1 + number) / static_cast<double>(10 + number);
  const Scalar share = static_cast<Scalar>(1 - std::min(decay_, early));
  team.run(static_cast<int64_t>(tasks_.size()), [&](int64_t i) {
    const Task& task = tasks_[static_cast<size_t>(i)];
    for (int64_t j = 0; j < task.count; ++j) task.average[j] += share * (task.weights[j] - task.average[j]);
  });
}

}  // namespace mudra
