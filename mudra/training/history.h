// What a training tells of itself.
#pragma once

#include <limits>

#include "mudra/core/named.h"

namespace mudra {

struct Epoch {
  int number = 0;         // from 1
  double rate = 0;        // learning rate of the epoch's last step
  double loss_train = 0;  // mean over the epoch's batches, each before its step
  // Of the same predictions; of a network with heads, those of its first head of classes where its weight is
  // above 0. NaN where no answers are counted.
  double accuracy_train = 0;
  double noise_train = 0;  // standard error of loss_train, from its batches; 0 of a single one
  double same_answer = 0;  // share of those predictions that were the most frequent answer
  // After the epoch, of the weights that would be kept (averaged ones with --ema). NaN without such a part.
  double loss_validation = std::numeric_limits<double>::quiet_NaN();  // chooses the epoch to keep
  double accuracy_validation = std::numeric_limits<double>::quiet_NaN();
  double loss_held_out = std::numeric_limits<double>::quiet_NaN();  // watched, it chooses nothing
  double accuracy_held_out = std::numeric_limits<double>::quiet_NaN();
  double seconds = 0;  // of optimisation steps
};

enum class Ending {
  finished,  // all epochs asked for
  patience,  // --patience epochs without a lower validation loss
  stopped,   // a stop was requested
  diverged,  // a loss or a weight is no longer a number
};
template <>
struct Named<Ending> {
  static constexpr std::pair<Ending, std::string_view> values[] = {{Ending::finished, "finished"},
                                                                   {Ending::patience, "patience"},
                                                                   {Ending::stopped, "stopped"},
                                                                   {Ending::diverged, "diverged"}};
};

}  // namespace mudra
