// Lines whose networks every promise is tried on: the named ones, and blocks in every position. For images of
// 2 channels of 20x28, all different.
#pragma once

#include <string>
#include <vector>

#include "mudra/network/line.h"

namespace mudra {

inline std::vector<std::string> architectures() {
  std::vector<std::string> lines;
  for (const NamedNetwork& named : named_networks()) lines.emplace_back(named.name);
  lines.insert(
      lines.end(),
      {"conv 3 3x3 stride 2, dense 7, gelu",
       "conv 16 3x3 pad 0, relu, pool 2, conv 16 3x3, tanh, pool 2, conv 32 3x3, pool 2",
       "conv 10 3x3, relu, conv 32 3x3 stride 2, relu, pool 2, conv 48 3x3, gelu, pool 2",
       "conv 12 3x3 stride 2, relu, conv 12 5x5 groups 12, relu, conv 36 3x3 stride 2 groups 3, relu, "
       "conv 36 3x3 groups 36, gelu, pool 2",
       "residual(conv 2 3x3, batch-norm), pool 2, residual(relu, conv 2 3x3), conv 7 2x2, layer-norm, silu",
       "conv 17 3x3 stride 2, leaky-relu, 2 x (residual(conv 17 3x3, relu), pool 2), global-pool, batch-norm",
       "conv 5 5x5 stride 3, residual(conv 7 3x3, relu, residual(conv 7 1x1, hard-swish), relu | conv 7 1x1, "
       "batch-norm), relu, pool 2, dense 18, residual(dense 9, relu | dense 9), relu",
       "residual(pool 2, conv 4 3x3 | average-pool 2, conv 4 1x1), tanh, residual(residual(batch-norm)), "
       "dense 6, "
       "residual(relu), sigmoid"});
  return lines;
}

}  // namespace mudra
