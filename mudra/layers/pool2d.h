// Pooling over windows of an image:
//   max:      y[n, i, j, c] = max over u, v of x[n, s i + u, s j + v, c]
//   average:  the mean instead
//   x [N, H, W, C]   y [N, (H - height) / s + 1, (W - width) / s + 1, C]
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

struct Window {
  int64_t height = 2, width = 2, stride = 2;

  static Window parse(Words& words, const Shape& x);
  std::string text() const;
  Shape output_shape(const Shape& x) const;
};

enum class PoolKind { max, average };

template <PoolKind Kind>
struct Pool2d : WithoutParameters {
  static constexpr bool is_max = Kind == PoolKind::max;
  static constexpr std::string_view kind = is_max ? "pool" : "average-pool";
  static constexpr std::string_view usage = is_max ? "pool 2 [stride 2]" : "average-pool 2 [stride 2]";
  struct Saved {
    Tensor argmax;  // of each maximum y: the number of its pixel in the window, the first of equals
    int64_t bytes() const { return bytes_of(argmax); }
  };

  Window window;

  static Pool2d parse(Words& words, const Shape& x) { return {{}, Window::parse(words, x)}; }
  std::string text() const { return std::string(kind) + " " + window.text(); }
  Shape output_shape(const Shape& x) const { return window.output_shape(x); }
  Saved make_saved(const Shape& x, Mode mode) const {
    return {is_max && mode != Mode::infer ? Tensor(output_shape(x)) : Tensor()};
  }

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Pass& pass, Saved& saved, Tensor& dx) const;
  static std::vector<LayerCase<Pool2d>> cases() {
    return {{{{}, {2, 2, 2}}, {3, 4, 6, 5}}, {{{}, {3, 2, 1}}, {2, 5, 4, 3}}};
  }
};
using MaxPool2d = Pool2d<PoolKind::max>;
using AveragePool2d = Pool2d<PoolKind::average>;
static_assert(Layer<MaxPool2d> && Layer<AveragePool2d>);

}  // namespace mudra
