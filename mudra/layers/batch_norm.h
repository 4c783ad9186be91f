// Batch normalisation (Ioffe and Szegedy 2015) of every channel or feature c over examples and pixels:
//   y = (x - m_c) / sqrt(v_c + 1e-5) weight_c + bias_c
// Training takes mean m and biased variance v from the batch, inference their running averages
//   running <- 0.9 running + 0.1 of the batch, its variance unbiased there          (as PyTorch)
//   x, y [N, H, W, C] or [N, C]   weight, bias, running_mean, running_var [C]
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct BatchNorm {
  static constexpr std::string_view kind = "batch-norm";
  static constexpr std::string_view usage = "batch-norm";
  static constexpr bool applies_activation = true;
  static constexpr double epsilon = 1e-5;
  static constexpr double momentum = 0.1;

  using Parameters = ScaleAndShift;
  struct Saved {
    Tensor mean, variance;  // [C], of the batch; variance biased
    Tensor scale;           // [C], weight / sqrt(variance + epsilon)
    Tensor sums;            // [2, C], in Mode::train: gradients of bias and weight
    Tensor partial;         // [8, 2, C], scratch
    int64_t values = 0;     // the whole batch has of each channel
    int64_t bytes() const { return bytes_of(mean, variance, scale, sums, partial); }
  };
  struct State {
    Tensor mean, variance;  // [C]
    template <class Self>
    static ParameterList<Self> list(Self& self) {
      return {{"running_mean", &self.mean}, {"running_var", &self.variance}};
    }
  };

  explicit BatchNorm(int64_t channels);
  int64_t channels;
  Parameters parameters;
  State state;

  static BatchNorm parse(Words&, const Shape& x) { return BatchNorm(x[x.rank() - 1]); }
  std::string text() const { return std::string(kind); }
  void initialize(Initialization, Rng&);
  Shape output_shape(const Shape& x) const;
  int64_t multiply_adds(const Shape& x) const { return x.elements(); }
  Saved make_saved(const Shape& x, Mode) const;

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Tensor& x, const Tensor& y, Saved& saved, const Tensor& dy, Tensor& dx,
                const Context& context) const;
  void gradients(const Tensor& x, const Tensor& y, Saved& saved, const Tensor& dy, Parameters& grad,
                 const GradientSink& sink, const Context& context) const;
  // running <- (1 - share) running + share of the batch last seen by forward(). A single value a channel
  // tells nothing of the variance, which then stays.
  void update_state(const Saved& saved, double share);
  static std::vector<LayerCase<BatchNorm>> cases();

 private:
  void set_scale(const Tensor& variance, Tensor& scale) const;
};
static_assert(Layer<BatchNorm>);

}  // namespace mudra
