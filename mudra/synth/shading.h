// What a surface looks like: skin, light, occlusion and shadow.
#pragma once

#include <vector>

#include "mudra/synth/raster.h"
#include "mudra/synth/scene.h"

namespace mudra::synth {

// Memory used again from image to image.
struct ShadingScratch {
  std::vector<float> wide, narrow, sums, row;
};

// Linear light of every sample where there is a hand; other entries of `colour` stay untouched.
void shade(const Person& person, const Scene& scene, const Placed& placed, const Surface& surface,
           ShadingScratch& scratch, std::vector<Vec3>& colour);

// A cut-out hand ends at the wrist and loses its rim here and there: removes such samples.
void cut_out(const Scene& scene, const Placed& placed, uint32_t pattern, Surface& surface);

}  // namespace mudra::synth
