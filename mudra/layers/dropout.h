// Dropout (Srivastava et al. 2014), scaled while training so that inference is the identity:
//   y = x m / (1 - rate),  m = 0 with probability `rate`, else 1;  x, y of any one shape
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct Dropout : WithoutParameters {
  static constexpr std::string_view kind = "dropout";
  static constexpr std::string_view usage = "dropout 0.5";
  struct Saved {
    Tensor factors;  // m / (1 - rate), in Mode::train
    int64_t bytes() const { return bytes_of(factors); }
  };

  double rate = 0.5;

  static Dropout parse(Words& words, const Shape&) { return {{}, words.take_fraction("the rate")}; }
  std::string text() const;
  Saved make_saved(const Shape& x, Mode mode) const { return {mode == Mode::train ? Tensor(x) : Tensor()}; }

  void infer(const Tensor& x, Tensor& y, Saved&, const Context&) const;
  void forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Pass& pass, Saved& saved, Tensor& dx) const;
  static std::vector<LayerCase<Dropout>> cases() { return {{{{}, 0.3}, {4, 7}}}; }
};
static_assert(Layer<Dropout>);

}  // namespace mudra
