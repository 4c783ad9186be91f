// Whether two pictures show the same photograph: turned, shifted, scaled, brighter or darker.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/data/fingerprint.h"

namespace mudra {

struct Match {
  int64_t row = -1;       // into the fingerprints
  float similarity = -1;  // correlation of the detail once aligned, -1..1
  float degrees = 0;      // by which the searched image is turned to become the other, clockwise
};

// Above this, two images are copies of one photograph. Photographs of other hands stay below 0.95.
inline constexpr float copy_similarity = 0.96F;

// The copies among fingerprints[candidates] of each of fingerprints[queries], closest first: a coarse search
// over all of them at all angles to 75 degrees, then alignment of the 24 closest. The same bits for any
// number of threads.
std::vector<std::vector<Match>> find_copies(std::span<const Fingerprint> fingerprints,
                                            std::span<const Row> queries, std::span<const Row> candidates,
                                            ThreadTeam& team);

}  // namespace mudra
