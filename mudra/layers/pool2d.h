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

struct MaxPool2d : WithoutParameters {
  static constexpr std::string_view kind = "pool";
  static constexpr std::string_view usage = "pool 2 [stride 2]";
  struct Saved {
    Tensor argmax;  // of each y: the number of its pixel in the window, the first of equals
    int64_t bytes() const { return bytes_of(argmax); }
  };

  Window window;

  static MaxPool2d parse(Words& words, const Shape& x) { return {{}, Window::parse(words, x)}; }
  std::string text() const { return "pool " + window.text(); }
  Shape output_shape(const Shape& x) const { return window.output_shape(x); }
  Saved make_saved(const Shape& x, Mode mode) const {
    return {mode == Mode::infer ? Tensor() : Tensor(output_shape(x))};
  }

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
    forward(x, y, saved, context);
  }
  void forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Tensor& x, const Tensor& y, Saved& saved, const Tensor& dy, Tensor& dx,
                const Context& context) const;
  static std::vector<LayerCase<MaxPool2d>> cases();
};
static_assert(Layer<MaxPool2d>);

struct AveragePool2d : WithoutParameters {
  static constexpr std::string_view kind = "average-pool";
  static constexpr std::string_view usage = "average-pool 2 [stride 2]";

  Window window;

  static AveragePool2d parse(Words& words, const Shape& x) { return {{}, Window::parse(words, x)}; }
  std::string text() const { return "average-pool " + window.text(); }
  Shape output_shape(const Shape& x) const { return window.output_shape(x); }

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
    forward(x, y, saved, context);
  }
  void forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Tensor& x, const Tensor& y, Saved& saved, const Tensor& dy, Tensor& dx,
                const Context& context) const;
  static std::vector<LayerCase<AveragePool2d>> cases();
};
static_assert(Layer<AveragePool2d>);

}  // namespace mudra
