// What a camera makes of light: exposure, vignette, blur, response curve, noise, JPEG blocks, bytes.
#pragma once

#include <vector>

#include "mudra/core/rng.h"
#include "mudra/synth/scene.h"

namespace mudra::synth {

// `light`: side x side pixels of linear light (changed on the way); `mask`: each pixel's share of hand, which
// automatic exposure may go by; `bytes`: side x side x channels, channels 1 (luma) or 3.
void photograph(const Camera& camera, int side, int channels, const std::vector<uint8_t>& mask, Rng& rng,
                std::vector<Vec3>& light, uint8_t* bytes);

// The same of a camera in a room, whose picture may be moved, out of focus, coarse and without colour.
void photograph_room(const Camera& camera, int side, int channels, Rng& rng, std::vector<Vec3>& light,
                     uint8_t* bytes);

}  // namespace mudra::synth
