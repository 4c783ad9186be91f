#include "mudra/layers/layer_norm.h"

#include "mudra/simd/normalize.h"

namespace mudra {

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
void LayerNorm::backward(const Pass& pass, Saved& saved, Tensor& dx) const {
  if (!dx.data()) return;
  normalize_rows_backward(pass.context.team, pass.x.data(), pass.dy.data(), PixelRows::of(pass.x.shape()),
                          parameters.weight.data(), saved.mean.data(), saved.inverse.data(), dx.data());
}

void LayerNorm::gradients(const Pass& pass, Saved& saved, Parameters& grad, const GradientSink& sink) const {
  row_norm_gradients(pass.context.team, pass.x.data(), pass.dy.data(), PixelRows::of(pass.x.shape()),
                     saved.mean.data(), saved.inverse.data(), pass.context.shards, saved.partial.data(),
                     saved.sums.data(), saved.sums.data() + channels);
  sink_sums(saved.sums, grad, sink);
}

std::vector<LayerCase<LayerNorm>> LayerNorm::cases() {
  return {{LayerNorm(5), {11, 5}}, {LayerNorm(7), {4, 5, 2, 7}}, {LayerNorm(37), {9, 2, 3, 37}}};
}

}  // namespace mudra
