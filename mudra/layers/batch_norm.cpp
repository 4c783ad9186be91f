#include "mudra/layers/batch_norm.h"

#include <cmath>

#include "mudra/simd/normalize.h"

namespace mudra {

BatchNorm::BatchNorm(int64_t size) : Normalization(size), state{Tensor({size}), Tensor({size})} {
  state.variance.fill(1);
}

void BatchNorm::initialize(Initialization initialization, Rng& rng) {
  Normalization::initialize(initialization, rng);
  state.mean.fill(0);
  state.variance.fill(1);
}

BatchNorm::Saved BatchNorm::make_saved(const Shape&, Mode mode) const {
  Saved saved;
  saved.mean = saved.variance = saved.scale = Tensor({channels});
  if (mode != Mode::infer) saved.partial = Tensor({8, 2, channels});
  if (mode == Mode::train) saved.sums = Tensor({2, channels});
  return saved;
}

void BatchNorm::set_scale(const Tensor& variance, Tensor& scale) const {
  for (int64_t c = 0; c < channels; ++c) {
    scale[c] = parameters.weight[c] / std::sqrt(variance[c] + static_cast<Scalar>(epsilon));
  }
}

void BatchNorm::infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
  set_scale(state.variance, saved.scale);
  scale_columns(context.team, x.data(), PixelRows::of(x.shape()), state.mean.data(), saved.scale.data(),
                parameters.bias.data(), context.activation, y.data());
}

void BatchNorm::forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
  const PixelRows size = PixelRows::of(x.shape());
  saved.values = context.shards.batch_size(size.images) * size.rows_per_image;
  const Scalar values = static_cast<Scalar>(saved.values);
  sum_columns(context.team, x.data(), size, nullptr, context.shards, saved.partial.data(), saved.mean.data());
  for (Scalar& mean : saved.mean.values()) mean /= values;
  sum_columns(context.team, x.data(), size, saved.mean.data(), context.shards, saved.partial.data(),
              saved.variance.data());
  for (Scalar& variance : saved.variance.values()) variance /= values;
  set_scale(saved.variance, saved.scale);
  scale_columns(context.team, x.data(), size, saved.mean.data(), saved.scale.data(), parameters.bias.data(),
                context.activation, y.data());
}

// With d = x - m, r = 1 / sqrt(v + epsilon) and means over the M values of a channel:
//   dbias = Σ dy   dweight = r Σ dy d   dx = weight r (dy - mean(dy) - d r² mean(dy d))
// In Mode::explain m and v are constants, the running ones: dx = weight r dy.
void BatchNorm::backward(const Pass& pass, Saved& saved, Tensor& dx) const {
  const PixelRows size = PixelRows::of(pass.x.shape());
  Scalar* const offset = saved.partial.data();  // stays zero in Mode::explain
  Scalar* const factor = offset + channels;
  if (saved.sums.data()) {
    Scalar* const sum = saved.sums.data();
    Scalar* const product = sum + channels;
    column_gradients(pass.context.team, pass.x.data(), pass.dy.data(), size, saved.mean.data(),
                     pass.context.shards, saved.partial.data(), sum, product);
    const Scalar values = static_cast<Scalar>(saved.values);
    for (int64_t c = 0; c < channels; ++c) {
      const Scalar variance = saved.variance[c] + static_cast<Scalar>(epsilon);
      offset[c] = sum[c] / values;
      factor[c] = product[c] / values / variance;
      product[c] /= std::sqrt(variance);
    }
  }
  if (!dx.data()) return;
  scale_columns_backward(pass.context.team, pass.x.data(), pass.dy.data(), size, saved.mean.data(),
                         saved.scale.data(), offset, factor, dx.data());
}

void BatchNorm::gradients(const Pass&, Saved& saved, Parameters& grad, const GradientSink& sink) const {
  sink_sums(saved.sums, grad, sink);
}

void BatchNorm::update_state(const Saved& saved, double share) {
  const Scalar kept = static_cast<Scalar>(1 - share), taken = static_cast<Scalar>(share);
  const Scalar values = static_cast<Scalar>(saved.values);
  for (int64_t c = 0; c < channels; ++c) {
    state.mean[c] = kept * state.mean[c] + taken * saved.mean[c];
    if (saved.values < 2) continue;
    state.variance[c] = kept * state.variance[c] + taken * (saved.variance[c] * (values / (values - 1)));
  }
}

std::vector<LayerCase<BatchNorm>> BatchNorm::cases() {
  return {{BatchNorm(5), {11, 5}}, {BatchNorm(3), {4, 5, 2, 3}}, {BatchNorm(37), {9, 2, 3, 37}}};
}

}  // namespace mudra
