// The learning rate of every step.
#pragma once

#include <cstdint>

#include "mudra/training/options.h"

namespace mudra {

// `--schedule` and `--warm-up` over a training of steps_per_epoch * options.epochs steps. With T steps, W of
// them to warm up, and t from 0:
//   warm-up     rate (t + 1) / W                                  for t + 1 < W
//   constant    rate
//   step        rate factor^(epochs done / step-every)
//   cosine      rate (1 + cos(pi (t - W) / (T - W))) / 2          Loshchilov and Hutter 2017, without
//   restarts one-cycle   rate/25 up to rate within W (30% of T unless --warm-up says), then down to
//   rate/250,000, both
//               along half a cosine                               Smith and Topin 2018, as PyTorch has it
class Schedule {
 public:
  Schedule(const Options& options, int64_t steps_per_epoch);

  double rate(int64_t step) const;  // from 0, over the whole training

 private:
  enum class Kind { constant, step, cosine, one_cycle };
  double one_cycle(double step) const;

  Kind kind_;
  double rate_;
  double steps_;    // T
  double warm_up_;  // W
  double factor_;
  int64_t drop_every_;  // steps
};

}  // namespace mudra
