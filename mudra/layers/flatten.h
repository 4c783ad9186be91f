// Images to features, channels first: y[n, (c H + h) W + w] = x[n, h, w, c]
//   x [N, H, W, C]   y [N, C*H*W]
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct Flatten : WithoutParameters {
  static constexpr std::string_view kind = "flatten";
  static constexpr std::string_view usage = "flatten";

  Shape image;               // what it was written for
  bool is_followed = false;  // by a dense layer that takes pixels in the order in which they lie

  static Flatten parse(Words&, const Shape& x) { return {{}, x}; }
  std::string text() const { return std::string(kind); }
  Shape output_shape(const Shape& x) const { return {x[0], x.per_example()}; }
  // Whether y is x in the same order, so that nothing need move.
  bool is_identity(const Shape& x) const {
    return is_followed || x.rank() < 4 || x[3] == 1 || x[1] * x[2] == 1;
  }

  void infer(const Tensor& x, Tensor& y, Saved&, const Context& context) const;
  void backward(const Pass& pass, Saved& saved, Tensor& dx) const;
  static std::vector<LayerCase<Flatten>> cases() { return {{{}, {2, 3, 4, 5}}}; }
};
static_assert(Layer<Flatten>);

}  // namespace mudra
