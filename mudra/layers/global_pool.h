// Global average pooling: y[n, c] = mean over h, w of x[n, h, w, c]          Lin, Chen and Yan 2014
//   x [N, H, W, C]   y [N, C]
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct GlobalPool {
  static constexpr std::string_view kind = "global-pool";
  static constexpr std::string_view usage = "global-pool";
  using Parameters = NoParameters;
  using Saved = NothingSaved;
  using State = NoState;

  Parameters parameters;
  State state;

  static GlobalPool parse(Words& words, const Shape& x);
  std::string text() const { return std::string(kind); }
  void initialize(Initialization, Rng&) {}
  Shape output_shape(const Shape& x) const;
  int64_t multiply_adds(const Shape&) const { return 0; }
  Saved make_saved(const Shape&, Mode) const { return {}; }

  void infer(const Tensor& x, Tensor& y, Saved&, const Context& context) const;
  void forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
    infer(x, y, saved, context);
  }
  void backward(const Tensor& x, const Tensor& y, Saved&, const Tensor& dy, Tensor& dx,
                const Context& context) const;
  static std::vector<LayerCase<GlobalPool>> cases();
};
static_assert(Layer<GlobalPool>);

}  // namespace mudra
