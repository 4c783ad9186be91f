// What to try next, from what was tried before.
#pragma once

#include <cstdint>
#include <span>

#include "mudra/core/named.h"
#include "mudra/tuning/space.h"

namespace mudra {

// random: every trial for itself. tpe: the tree-structured Parzen estimator, Bergstra et al. 2011,
// "Algorithms for hyper-parameter optimization": after ten random trials, where the best tenth of the trials
// lie close and the others do not.
enum class SamplerKind { random, tpe };
template <>
struct Named<SamplerKind> {
  static constexpr std::pair<SamplerKind, std::string_view> values[] = {{SamplerKind::random, "random"},
                                                                        {SamplerKind::tpe, "tpe"}};
};

// `tried`: draws of earlier trials, the best first. The same arguments give the same draw on any machine, so
// a search that was cut short needs no state of its own to go on.
Draw draw_trial(const SearchSpace& space, SamplerKind sampler, std::span<const Draw> tried, uint64_t seed,
                int trial);

}  // namespace mudra
