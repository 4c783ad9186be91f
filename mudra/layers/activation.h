// Elementwise activation: y = f(x), for x and y of any one shape.
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

constexpr std::string_view activation_name(ActivationKind function) {
  switch (function) {
    case ActivationKind::none:
      return "none";
    case ActivationKind::sigmoid:
      return "sigmoid";
    case ActivationKind::tanh:
      return "tanh";
    case ActivationKind::relu:
      return "relu";
    case ActivationKind::leaky_relu:
      return "leaky-relu";
    case ActivationKind::gelu:
      return "gelu";
    case ActivationKind::silu:
      return "silu";
    case ActivationKind::hard_swish:
      return "hard-swish";
  }
  return {};
}

// One kind of layer per function, so that an architecture line names the function itself.
template <ActivationKind Function>
struct Activation : WithoutParameters {
  static constexpr ActivationKind function = Function;
  static constexpr std::string_view kind = activation_name(Function);
  static constexpr std::string_view usage = kind;

  static Activation parse(Words&, const Shape&) { return {}; }
  std::string text() const { return std::string(kind); }
  Shape output_shape(const Shape& x) const { return x; }

  void infer(const Tensor& x, Tensor& y, Saved&, const Context&) const {
    activate(Function, x.data(), x.size(), y.data());
  }
  void forward(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
    infer(x, y, saved, context);
  }
  // dx = dy ∘ f'(x)
  void backward(const Tensor& x, const Tensor& y, Saved&, const Tensor& dy, Tensor& dx,
                const Context&) const {
    activate_backward(Function, x.data(), y.data(), dy.data(), dy.size(), dx.data());
  }
  static std::vector<LayerCase<Activation>> cases() { return {{{}, {3, 7}}, {{}, {2, 3, 4, 5}}}; }
};

}  // namespace mudra
