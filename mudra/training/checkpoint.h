// A training's state among the arrays of a safetensors file.
#pragma once

#include <vector>

#include "mudra/network/safetensors.h"
#include "mudra/training/trainer.h"

namespace mudra {

// Adds the state: arrays named "network.1.weight", "first." and "second." (moments), "average." and "kept."
// where there are such, in the model file's order of values; metadata `training`, JSON with the counters, the
// sums of the epoch going on and the history, exact to the last bit.
void put_state(const TrainingState& state, Safetensors& content);

// The state put there; `fresh`, as start_training makes it, says what it must look like. Throws Error, with
// `where` as its place, when it looks otherwise.
TrainingState take_state(const Safetensors& content, TrainingState fresh, const std::string& where);

// Epochs as JSON text, and back.
std::string history_text(const std::vector<Epoch>& history);
std::vector<Epoch> history_from(const std::string& text);  // throws Error

}  // namespace mudra
