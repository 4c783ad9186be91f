// Batch normalisation (Ioffe and Szegedy 2015) of every channel or feature c over examples and pixels:
//   y = (x - m_c) / sqrt(v_c + 1e-5) weight_c + bias_c
// Training takes mean m and biased variance v from the batch, inference their running averages
//   running <- 0.9 running + 0.1 of the batch, its variance unbiased there          (as PyTorch)
//   x, y [N, H, W, C] or [N, C]   weight, bias, running_mean, running_var [C]
#pragma once

#include "mudra/layers/normalization.h"

namespace mudra {

struct BatchNorm : Normalization {
  static constexpr std::string_view kind = "batch-norm";
  static constexpr std::string_view usage = "batch-norm";
  static constexpr double momentum = 0.1;

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
  State state;

  static BatchNorm parse(Words&, const Shape& x) { return BatchNorm(x[x.rank() - 1]); }
  std::string text() const { return std::string(kind); }
  void initialize(Initialization, Rng&);
  Saved make_saved(const Shape& x, Mode) const;

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Pass& pass, Saved& saved, Tensor& dx) const;
  void gradients(const Pass& pass, Saved& saved, Parameters& grad, const GradientSink& sink) const;
  // running <- (1 - share) running + share of the batch last seen by forward(). A single value a channel
  // tells nothing of the variance, which then stays.
  void update_state(const Saved& saved, double share);
  static std::vector<LayerCase<BatchNorm>> cases();

 private:
  void set_scale(const Tensor& variance, Tensor& scale) const;
};
static_assert(Layer<BatchNorm>);

}  // namespace mudra
