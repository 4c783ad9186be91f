// What makes a test easier than a new hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mudra/experiment/experiment.h"

namespace mudra {

// Held-out images with a near copy in their fold's training part; nothing when there are too many images to
// look for them after every training.
std::optional<int64_t> count_near_copies(const Experiment& experiment);

// One sentence about so many near copies, and what to do; empty if there are none.
std::string near_copy_warning(const Experiment& experiment, int64_t copies);

// Whether the hands of the test were in training, as far as that is known: a sentence or two.
std::string same_hands_doubt(const Experiment& experiment);

}  // namespace mudra
