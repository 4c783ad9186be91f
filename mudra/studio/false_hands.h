// What a finder takes for hands where there are none: so that a model learns to say `none` of such things
// before anybody has shown it any.
#pragma once

#include <stop_token>
#include <vector>

#include "mudra/studio/hand_features.h"

namespace mudra {

// Of rendered rooms without a hand, always the same ones. It takes seconds; it ends early when a stop is
// requested.
std::vector<HandFeatures> false_hands(const HandReader& reader, const std::stop_token& stop = {});

}  // namespace mudra
