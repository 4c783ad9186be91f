// People and pictures in rooms: any skin, any light, hands near and far, both sides of them, sleeves, heads.
#pragma once

#include "mudra/core/rng.h"
#include "mudra/synth/scene.h"

namespace mudra::synth {

Person draw_room_person(Domain domain, Rng& rng);
Scene draw_room_scene(const Person& person, int sign, Rng& rng);

}  // namespace mudra::synth
