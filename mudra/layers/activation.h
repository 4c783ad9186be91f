// Elementwise activation: y = f(x), for x and y of any one shape.
#pragma once

#include "mudra/layers/layer.h"

namespace mudra {

constexpr std::string_view activation_name(ActivationKind function) {
  constexpr std::string_view names[activation_kinds] = {"none",       "sigmoid", "tanh", "relu",
                                                        "leaky-relu", "gelu",    "silu", "hard-swish"};
  return names[static_cast<size_t>(function)];
}

// One kind of layer per function, so that an architecture line names the function itself.
template <ActivationKind Function>
struct Activation : WithoutParameters {
  static constexpr ActivationKind function = Function;
  static constexpr std::string_view kind = activation_name(Function);
  static constexpr std::string_view usage = kind;

  static Activation parse(Words&, const Shape&) { return {}; }
  std::string text() const { return std::string(kind); }

  void infer(const Tensor& x, Tensor& y, Saved&, const Context&) const {
    activate(Function, x.data(), x.size(), y.data());
  }
  // dx = dy ∘ f'(x)
  void backward(const Pass& p, Saved&, Tensor& dx) const {
    activate_backward(Function, p.x.data(), p.y.data(), p.dy.data(), p.dy.size(), dx.data());
  }
  static std::vector<LayerCase<Activation>> cases() { return {{{}, {3, 7}}, {{}, {2, 3, 4, 5}}}; }
};

}  // namespace mudra
