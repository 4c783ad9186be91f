// What normalisations have in common: C channels or features that are scaled and shifted.
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct Normalization {
  static constexpr bool applies_activation = true;
  static constexpr double epsilon = 1e-5;

  struct Parameters {
    Tensor weight, bias;  // [C]
    template <class Self>
    static ParameterList<Self> list(Self& self) {
      return {{"weight", &self.weight, Decay::no}, {"bias", &self.bias, Decay::no}};
    }
  };

  explicit Normalization(int64_t channels);
  int64_t channels;
  Parameters parameters;

  void initialize(Initialization, Rng&);
  Shape output_shape(const Shape& x) const;
  int64_t multiply_adds(const Shape& x) const { return x.elements(); }

 protected:
  // To the sink: the gradients of bias and weight, sums [2, C].
  void sink_sums(const Tensor& sums, Parameters& grad, const GradientSink& sink) const;
};

}  // namespace mudra
