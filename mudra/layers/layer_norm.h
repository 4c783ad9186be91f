// Layer normalisation (Ba, Kiros and Hinton 2016) of every example's features, or every pixel's channels:
//   y = (x - m) / sqrt(v + 1e-5) weight_c + bias_c,  m and v the mean and biased variance over c
//   x, y [N, H, W, C] or [N, C]   weight, bias [C]
#pragma once

#include "mudra/layers/normalization.h"

namespace mudra {

struct LayerNorm : Normalization, WithoutState {
  static constexpr std::string_view kind = "layer-norm";
  static constexpr std::string_view usage = "layer-norm";

  struct Saved {
    Tensor mean, inverse;  // [rows]; inverse: 1 / sqrt(variance + epsilon)
    Tensor sums;           // [2, C], scratch: gradients of bias and weight
    Tensor partial;        // [8, 2, C], scratch
    int64_t bytes() const { return bytes_of(mean, inverse, sums, partial); }
  };

  using Normalization::Normalization;

  static LayerNorm parse(Words&, const Shape& x) { return LayerNorm(x[x.rank() - 1]); }
  std::string text() const { return std::string(kind); }
  Saved make_saved(const Shape& x, Mode) const;

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Pass& pass, Saved& saved, Tensor& dx) const;
  void gradients(const Pass& pass, Saved& saved, Parameters& grad, const GradientSink& sink) const;
  static std::vector<LayerCase<LayerNorm>> cases();
};
static_assert(Layer<LayerNorm>);

}  // namespace mudra
