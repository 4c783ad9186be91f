#include "mudra/layers/layer_norm.h"

#include "mudra/simd/normalize.h"

namespace mudra {

LayerNorm::LayerNorm(int64_t size) : channels(size) {
  parameters.weight = Tensor({channels});
  parameters.bias = Tensor({channels});
  parameters.weight.fill(1);
}

void LayerNorm::initialize(Initialization, Rng&) {
  parameters.weight.fill(1);
  parameters.bias.fill(0);
}

Shape LayerNorm::output_shape(const Shape& x) const {
  if (x[x.rank() - 1] != channels) {
    throw Error("input shape " + x.text() + " does not end in " + std::to_string(channels), "layer-norm",
                "Set the width of the layer before it to " + std::to_string(channels));
  }
  return x;
}

LayerNorm::Saved LayerNorm::make_saved(const Shape& x, Mode) const {
  const int64_t rows = x.elements() / channels;
  return {Tensor({rows}), Tensor({rows}), Tensor({2, channels}), Tensor({8, 2, channels})};
}

void LayerNorm::infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
  normalize_rows(context.team, x.data(), PixelRows::of(x.shape()), static_cast<Scalar>(epsilon),
                 parameters.weight.data(), parameters.bias.data(), context.activation, saved.mean.data(),
                 saved.inverse.data(), y.data());
}

// With h = (x - m) r, r = 1 / sqrt(v + epsilon), g = dy weight and means over c:
//   dbias = Σ dy   dweight = Σ dy h   dx = r (g - mean(g) - h mean(g h))
void LayerNorm::backward(const Tensor& x, const Tensor&, Saved& saved, const Tensor& dy, Tensor& dx,
                         const Context& context) const {
  const PixelRows size = PixelRows::of(x.shape());
  if (!dx.data()) return;
  normalize_rows_backward(context.team, x.data(), dy.data(), size, parameters.weight.data(),
                          saved.mean.data(), saved.inverse.data(), dx.data());
}

void LayerNorm::gradients(const Tensor& x, const Tensor&, Saved& saved, const Tensor& dy, Parameters& grad,
                          const GradientSink& sink, const Context& context) const {
  const PixelRows size = PixelRows::of(x.shape());
  Scalar* const sum = saved.sums.data();
  Scalar* const product = sum + channels;
  row_norm_gradients(context.team, x.data(), dy.data(), size, saved.mean.data(), saved.inverse.data(),
                     context.shards, saved.partial.data(), sum, product);
  sink_gradient(sink, product, channels, grad.weight.data());
  sink_gradient(sink, sum, channels, grad.bias.data());
}

std::vector<LayerCase<LayerNorm>> LayerNorm::cases() {
  return {{LayerNorm(5), {11, 5}}, {LayerNorm(7), {4, 5, 2, 7}}, {LayerNorm(37), {9, 2, 3, 37}}};
}

}  // namespace mudra
