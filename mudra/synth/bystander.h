// A head and shoulders: what is most often beside or behind a hand, and has its colour.
#pragma once

#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/raster.h"
#include "mudra/synth/scene.h"

namespace mudra::synth {

// Draws somebody into the picture of side x side pixels of linear light. `skin`: of the face.
//   head   the height of the head, in parts of the side
//   x, y   its middle
void draw_bystander(Vec3 skin, const Light& light, float head, float x, float y, int side, Rng& rng,
                    Surface& surface, std::vector<Vec3>& pixels);

// Draws so many things that are round and shaded as hands are, and none: bottles, backs of chairs, cables.
// Some have the colour `skin`.
void draw_things(int count, Vec3 skin, const Light& light, int side, Rng& rng, Surface& surface,
                 std::vector<Vec3>& pixels);

}  // namespace mudra::synth
