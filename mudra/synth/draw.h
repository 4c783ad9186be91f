// Random numbers as the renderer draws them.
#pragma once

#include "mudra/core/rng.h"
#include "mudra/synth/vector.h"

namespace mudra::synth {

// Cut off at 2.5 standard deviations, so that no rare draw looks impossible.
inline float normal(Rng& rng, float mean, float deviation) {
  return mean + deviation * clamp(static_cast<float>(rng.normal()), -2.5f, 2.5f);
}
inline float uniform(Rng& rng, float low, float high) {
  return low + (high - low) * static_cast<float>(rng.uniform());
}

inline float luma(Vec3 c) { return 0.2126f * c.x + 0.7152f * c.y + 0.0722f * c.z; }
inline Vec3 grey(float value) { return {value, value, value}; }

}  // namespace mudra::synth
