// Initial weights.
#pragma once

#include "mudra/core/named.h"
#include "mudra/layers/layer.h"

namespace mudra {

template <>
struct Named<Initialization> {
  static constexpr std::pair<Initialization, std::string_view> values[] = {
      {Initialization::normal, "normal"}, {Initialization::xavier, "xavier"}, {Initialization::he, "he"}};
};

// Fills a weight in file order, so that a seed means the same weights whatever the packing.
//   normal: N(0, 1)
//   xavier: uniform in ±sqrt(6 / (fan_in + fan_out))      Glorot and Bengio 2010, eq. 16
//   he:     N(0, sqrt(2 / fan_in))                         He et al. 2015, eq. 10
void initialize_weights(const Parameter& weight, Initialization initialization, int64_t fan_in,
                        int64_t fan_out, Rng& rng);

}  // namespace mudra
