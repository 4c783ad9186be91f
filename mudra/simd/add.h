// Sums of arrays.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"

namespace mudra {

// sum = a + b; sum may be one of them.
void add(ThreadTeam& team, const Scalar* a, const Scalar* b, int64_t count, Scalar* sum);

}  // namespace mudra
