#include "mudra/layers/initialize.h"

#include <cmath>

namespace mudra {

void initialize_weights(const Parameter& weight, Initialization initialization, int64_t fan_in,
                        int64_t fan_out, Rng& rng) {
  const double bound = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  const double deviation =
      initialization == Initialization::normal ? 1 : std::sqrt(2.0 / static_cast<double>(fan_in));
  std::vector<Scalar> values(static_cast<size_t>(file_shape(weight).elements()));
  for (Scalar& value : values) {
    const double drawn =
        initialization == Initialization::xavier ? rng.uniform(-bound, bound) : rng.normal(0, deviation);
    value = static_cast<Scalar>(drawn);
  }
  from_file_order(weight, values);
}

}  // namespace mudra
