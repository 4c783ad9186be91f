#include "mudra/layers/dense.h"

#include "mudra/layers/initialize.h"
#include "mudra/simd/panels.h"
#include "mudra/simd/sparse_matmul.h"

namespace mudra {

Dense::Dense(int64_t in_features, int64_t out_features) : in(in_features), out(out_features) {
  parameters.weight = Tensor({panel_count(out), in, panel_width});
  parameters.bias = Tensor({out});
  parameters.in = in;
  parameters.out = out;
}

Dense Dense::parse(Words& words, const Shape& x) {
  const int64_t units = words.take_count("the number of units");
  if (x.rank() != 2) {
    words.fail("input shape " + x.text() + " is not [N, features]: put `flatten` before it");
  }
  words.check_weights(x[1], units);
  return Dense(x[1], units);
}

std::string Dense::text() const { return "dense " + std::to_string(out); }

void Dense::initialize(Initialization initialization, Rng& rng) {
  initialize_weights(list(parameters)[0], initialization, in, out, rng);
  parameters.bias.fill(0);
}

Shape Dense::output_shape(const Shape& x) const {
  if (x.rank() != 2 || x[1] != in) {
    throw Error("input shape " + x.text() + " does not match [N, " + std::to_string(in) + "]", "dense",
                "Set the width of the layer before it to " + std::to_string(in) + ", or add `flatten`");
  }
  return {x[0], out};
}

Dense::Saved Dense::make_saved(const Shape& x, Mode mode) const {
  Saved saved;
  saved.sums = Tensor({x[0], padded(out)});
  if (mode == Mode::infer) return saved;
  if (mode == Mode::train && out % panel_width != 0) saved.dy = Tensor({x[0], padded(out)});
  saved.transposed = Tensor({panel_count(in), out, panel_width});
  return saved;
}

void Dense::infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
  saved.skips_zeros = saved.sums.data() && sparse_matmul_pays(x.data(), x.shape()[0], in);
  if (saved.skips_zeros) {
    return sparse_matmul(context.team, x.data(), x.shape()[0], in, parameters.weight.data(), out,
                         parameters.bias.data(), context.activation, saved.sums.data(), y.data());
  }
  matmul(context.team, x.data(), RowLayout::matrix(x.shape()[0], in), parameters.weight.data(), out,
         parameters.bias.data(), context.activation, y.data());
}

// dx = dy W
void Dense::backward(const Pass& pass, Saved& saved, Tensor& dx) const {
  if (!dx.data()) return;
  transpose_panels(parameters.weight.data(), 1, in, out, saved.transposed.data());
  matmul(pass.context.team, pass.dy.data(), RowLayout::matrix(pass.x.shape()[0], out),
         saved.transposed.data(), in, nullptr, ActivationKind::none, dx.data());
}

// dW = dyᵀ x   db = Σₙ dy
void Dense::gradients(const Pass& pass, Saved& saved, Parameters& grad, const GradientSink& sink) const {
  const Context& context = pass.context;
  const int64_t n = pass.x.shape()[0];
  const Scalar* rows = pad_columns(pass.dy, n, out, saved.dy);
  matrix_gradient(context.team, pass.x.data(), n, in, rows, out, saved.skips_zeros, context.shards, sink,
                  grad.weight.data());
  column_sums({rows}, n, 1, 1, out, context.shards, sink, grad.bias.data());
}

std::vector<LayerCase<Dense>> Dense::cases() {
  return {{Dense(3, 2), {4, 3}}, {Dense(5, 19), {11, 5}}, {Dense(37, 33), {2, 37}}};
}

}  // namespace mudra
