// Walls, shelves, windows and things: what is behind people.
#pragma once

#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/scene.h"

namespace mudra::synth {

// Linear light of side x side pixels, under `light`. `skin`: a colour that some of the things have.
void draw_room(const Light& light, Vec3 skin, int side, Rng& rng, std::vector<Vec3>& pixels);

}  // namespace mudra::synth
