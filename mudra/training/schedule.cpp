#include "mudra/training/schedule.h"

#include <algorithm>

#include "mudra/core/portable_math.h"
#include "mudra/training/options.h"

namespace mudra {
namespace {

// From `start` to `end` along half a cosine; `part` from 0 to 1.
double glide(double start, double end, double part) {
  return end + (start - end) / 2 * (portable::cos(portable::pi * part) + 1);
}

}  // namespace

Schedule::Schedule(const TrainingOptions& options, int64_t steps_per_epoch)
    : kind_(options.schedule),
      rate_(options.learning_rate),
      steps_(static_cast<double>(steps_per_epoch) * options.epochs),
      warm_up_(options.warm_up < 1 ? options.warm_up * steps_
                                   : options.warm_up * static_cast<double>(steps_per_epoch)),
      factor_(options.step_factor),
      drop_every_(steps_per_epoch * options.step_every) {
  if (kind_ == ScheduleKind::one_cycle && warm_up_ == 0) warm_up_ = 0.3 * steps_;
  warm_up_ = std::min(warm_up_, steps_);
}

double Schedule::rate(int64_t step) const {
  const double t = std::min(static_cast<double>(step), steps_ - 1);
  if (kind_ == ScheduleKind::one_cycle) return one_cycle(t);
  if (t + 1 < warm_up_) return rate_ * ((t + 1) / warm_up_);
  double rate = rate_;
  if (kind_ == ScheduleKind::cosine)
    rate = glide(rate_, 0, std::max(0.0, (t - warm_up_) / (steps_ - warm_up_)));
  if (kind_ == ScheduleKind::step) {
    for (int64_t drop = step / drop_every_; drop > 0; --drop) rate *= factor_;
  }
  return rate;
}

double Schedule::one_cycle(double step) const {
  const double low = rate_ / 25, top = std::max(warm_up_ - 1, 0.0), last = steps_ - 1;
  if (step < top) return glide(low, rate_, step / top);
  return last > top ? glide(rate_, low / 1e4, (step - top) / (last - top)) : rate_;
}

}  // namespace mudra
