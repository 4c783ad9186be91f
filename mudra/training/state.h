// Everything that changes while training: the past as far as the future needs it. Internal to training/;
// others hold it as bytes (Trainer::state).
#pragma once

#include <string>
#include <vector>

#include "mudra/network/network.h"
#include "mudra/network/safetensors.h"
#include "mudra/training/history.h"
#include "mudra/training/optimizer.h"

namespace mudra {

struct TrainingState {
  Network network;  // weights that follow the gradient
  Moments moments;
  Network average;  // of the weights, with --ema
  Network kept;  // weights to hand out: of the best epoch with a validation part, else of the last whole one
  int kept_epoch = 0;
  int epoch = 1;                  // the one going on, from 1
  int64_t batch = 0;              // its next batch
  double loss = 0;                // sum over its batches so far
  double loss_squares = 0;        // of their squares
  int64_t right = 0;              // examples predicted rightly so far
  std::vector<int64_t> answered;  // [classes] examples predicted so far, by the answer
  double seconds = 0;             // of its steps so far
  std::vector<Epoch> history;     // whole epochs

  void begin_epoch();  // nothing of it is done
};

// Adds the state to a container: arrays named "network.1.weight", "first." and "second." (moments),
// "average." and "kept." where there are such, in the model file's order of values; metadata `training`, JSON
// with the counters, the sums of the epoch going on and the history, exact to the last bit.
void put_state(const TrainingState& state, Safetensors& content);

// The state put there; `fresh`, the state before the first step, says what it must look like. Throws Error,
// with `where` as its place, when it looks otherwise. How many batches there are only a Trainer knows.
TrainingState take_state(const Safetensors& content, TrainingState fresh, const std::string& where);

// The whole epochs of a state put there. Throws Error when they cannot be read.
std::vector<Epoch> history_of(const Safetensors& content, const std::string& where);

// Epochs as JSON text, and back.
std::string history_text(const std::vector<Epoch>& history);
std::vector<Epoch> history_from(const std::string& text, const std::string& where);  // throws Error

}  // namespace mudra
