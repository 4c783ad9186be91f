// What makes a run's test easier than a new hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mudra/run/train_run.h"

namespace mudra {

// Held-out images with a near copy in their fold's training part; nothing when there are too many images to
// look for them after every training.
std::optional<int64_t> count_near_copies(const Run& run);

// One sentence about them for a report, empty if there are none.
std::string near_copy_warning(const Run& run, int64_t copies);

// Whether the hands of the test were in training, as far as that is known: a sentence or two.
std::string same_hands_doubt(const Run& run);

}  // namespace mudra
