// What is behind the hand.
#pragma once

#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/scene.h"

namespace mudra::synth {

// Linear light of side x side pixels.
void draw_background(Domain domain, int side, Rng& rng, std::vector<Vec3>& pixels);

}  // namespace mudra::synth
