// The learning rate of every step.
#pragma once

#include <cstdint>

#include "mudra/core/named.h"

namespace mudra {

struct TrainingOptions;

enum class ScheduleKind { constant, step, cosine, one_cycle };
template <>
struct Named<ScheduleKind> {
  static constexpr std::pair<ScheduleKind, std::string_view> values[] = {
      {ScheduleKind::constant, "constant"},
      {ScheduleKind::step, "step"},
      {ScheduleKind::cosine, "cosine"},
      {ScheduleKind::one_cycle, "one-cycle"}};
};

// The schedule reaches its end after options.epochs epochs of steps_per_epoch steps; a training that goes on
// beyond them keeps the last step's rate. With T steps in all, W of them to warm up, and steps t from 0:
//
//   warm-up     rate (t + 1) / W                              for t + 1 < W
//   constant    rate
//   step        rate factor^(epochs done / step-every)
//   cosine      rate (1 + cos(pi (t - W) / (T - W))) / 2      Loshchilov and Hutter 2017, without restarts
//   one-cycle   from rate / 25 up to rate within W steps (30% of T unless --warm-up says otherwise), then
//               down to rate / 250,000, both along half a cosine    Smith and Topin 2018, as PyTorch has it
class Schedule {
 public:
  Schedule(const TrainingOptions& options, int64_t steps_per_epoch);

  double rate(int64_t step) const;  // from 0, over the whole training

 private:
  double one_cycle(double step) const;

  ScheduleKind kind_;
  double rate_;
  double steps_;    // T
  double warm_up_;  // W
  double factor_;
  int64_t drop_every_;  // steps
};

}  // namespace mudra
