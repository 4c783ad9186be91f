// Fully connected layer: y = x Wᵀ + b
//   x [N, in]   W [out, in]   b [out]   y [N, out]
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct Dense : WithoutState {
  static constexpr std::string_view kind = "dense";
  static constexpr std::string_view usage = "dense UNITS";
  static constexpr bool applies_activation = true;  // context.activation

  struct Parameters {  // gradients use the same struct
    Tensor weight;     // panels of depth `in`
    Tensor bias;       // [out]
    int64_t in = 0, out = 0;
    int64_t height = 1, width = 1;  // of the image that x was, channels last; files have channels first
    template <class Self>
    static ParameterList<Self> list(Self& self) {
      const int64_t channels = self.in / (self.height * self.width);
      return {{"weight", &self.weight, Decay::yes, {self.out, channels, self.height, self.width, true}},
              {"bias", &self.bias, Decay::no}};
    }
  };
  struct Saved {
    Tensor dy;                 // [N, padded(out)], when out is no multiple of 16
    Tensor transposed;         // W as panels over `out`
    Tensor sums;               // [N, padded(out)]; without it zeros are multiplied like everything else
    bool skips_zeros = false;  // whether forward found x worth it
    int64_t bytes() const { return bytes_of(dy, transposed, sums); }
  };

  Dense(int64_t in_features, int64_t out_features);
  int64_t in, out;
  Parameters parameters;

  static Dense parse(Words& words, const Shape& x);
  std::string text() const;
  void initialize(Initialization initialization, Rng& rng);
  Shape output_shape(const Shape& x) const;
  int64_t multiply_adds(const Shape& x) const { return x[0] * in * out; }
  Saved make_saved(const Shape& x, Mode mode) const;

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Pass& pass, Saved& saved, Tensor& dx) const;
  void gradients(const Pass& pass, Saved& saved, Parameters& grad, const GradientSink& sink) const;
  static std::vector<LayerCase<Dense>> cases();
};
static_assert(Layer<Dense>);

}  // namespace mudra
