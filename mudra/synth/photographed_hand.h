// Hands cut out of photographs that were taken before a plain wall, put into rendered rooms: how people
// really hold their fingers, in any skin, under any light.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mudra/data/image.h"
#include "mudra/synth/render_hands.h"

namespace mudra {

struct PhotographedHand {
  Image picture;             // in colour
  std::vector<float> share;  // [H, W]: how much of each pixel is hand, 0..1
};

// Cuts the hand out of a photograph in colour by how much redder than the wall it is. Nothing where that is
// next to nothing or most of the picture. Throws Error when the photograph is grey.
std::optional<PhotographedHand> cut_out_of_wall(const Image& photograph);

// The hand in a room of its own, in colour: place, turn, size, light, skin and camera are drawn at random,
// and depend on seed and index alone. The label is `sign`; where the joints are is not known.
RenderedHand render_photographed(const PhotographedHand& hand, int sign, int size, uint64_t seed,
                                 int64_t index);

}  // namespace mudra
