// Layer normalisation (Ba, Kiros and Hinton 2016) of every example's features, or every pixel's channels:
//   y = (x - m) / sqrt(v + 1e-5) weight_c + bias_c,  m and v the mean and biased variance over c
//   x, y [N, H, W, C] or [N, C]   weight, bias [C]
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct LayerNorm {
  static constexpr std::string_view kind = "layer-norm";
  static constexpr std::string_view usage = "layer-norm";
  static constexpr bool applies_activation = true;
  static constexpr double epsilon = 1e-5;

  using Parameters = ScaleAndShift;
  struct Saved {
    Tensor mean, inverse;  // [rows]; inverse: 1 / sqrt(variance + epsilon)
    Tensor sums;           // [2, C], scratch: gradients of bias and weight
    Tensor partial;        // [8, 2, C], scratch
    int64_t bytes() const { return bytes_of(mean, inverse, sums, partial); }
  };
  using State = NoState;

  explicit LayerNorm(int64_t channels);
  int64_t channels;
  Parameters parameters;
  State state;

  static LayerNorm parse(Words&, const Shape& x) { return LayerNorm(x[x.rank() - 1]); }
  std::string text() const { return std::string(kind); }
  void initialize(Initialization, Rng&);
  Shape output_shape(const Shape& x) const;
  int64_t multiply_adds(const Shape& x) const { return x.elements(); }
  Saved make_saved(const Shape& x, Mode) const;

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
    infer(x, y, saved, context);
  }
  void backward(const Tensor& x, const Tensor& y, Saved& saved, const Tensor& dy, Tensor& dx,
                const Context& context) const;
  void gradients(const Tensor& x, const Tensor& y, Saved& saved, const Tensor& dy, Parameters& grad,
                 const GradientSink& sink, const Context& context) const;
  static std::vector<LayerCase<LayerNorm>> cases();
};
static_assert(Layer<LayerNorm>);

}  // namespace mudra
