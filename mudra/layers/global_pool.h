// Global average pooling: y[n, c] = mean over h, w of x[n, h, w, c]          Lin, Chen and Yan 2014
//   x [N, H, W, C]   y [N, C]
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct GlobalPool : WithoutParameters {
  static constexpr std::string_view kind = "global-pool";
  static constexpr std::string_view usage = "global-pool";

  static GlobalPool parse(Words& words, const Shape& x);
  std::string text() const { return std::string(kind); }
  Shape output_shape(const Shape& x) const;

  void infer(const Tensor& x, Tensor& y, Saved&, const Context& context) const;
  void backward(const Pass& pass, Saved&, Tensor& dx) const;
  static std::vector<LayerCase<GlobalPool>> cases();
};
static_assert(Layer<GlobalPool>);

}  // namespace mudra
