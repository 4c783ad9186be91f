#include "mudra/layers/normalization.h"

namespace mudra {

Normalization::Normalization(int64_t size) : channels(size), parameters{Tensor({size}), Tensor({size})} {
  parameters.weight.fill(1);
}

void Normalization::initialize(Initialization, Rng&) {
  parameters.weight.fill(1);
  parameters.bias.fill(0);
}

Shape Normalization::output_shape(const Shape& x) const {
  if (x[x.rank() - 1] != channels) {
    const std::string size = std::to_string(channels);
    throw Error("input shape " + x.text() + " does not end in " + size, "normalisation",
                "Set the channels, or the width, of the layer before it to " + size);
  }
  return x;
}

void Normalization::sink_sums(const Tensor& sums, Parameters& grad, const GradientSink& sink) const {
  sink_gradient(sink, sums.data(), channels, grad.bias.data());
  sink_gradient(sink, sums.data() + channels, channels, grad.weight.data());
}

}  // namespace mudra
