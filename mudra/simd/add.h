// Sums of arrays.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"
#include "mudra/simd/shards.h"

namespace mudra {

// sum = a + b; sum may be one of them.
void add(ThreadTeam& team, const Scalar* a, const Scalar* b, int64_t count, Scalar* sum);

// sum[k] = shards[0, k] + ... + shards[7, k], left to right: the sum over a batch from its shards' sums.
//   shards [8, count]; zero for a shard that has no images
void add_shards(const Scalar* shards, int64_t count, Scalar* sum);

}  // namespace mudra
