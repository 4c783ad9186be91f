#include "mudra/network/plan.h"

#include <algorithm>
#include <cassert>

namespace mudra {
namespace {

Shape with_batch(Shape shape, int64_t n) {
  shape[0] = n;
  return shape;
}

// The function of an activation layer; none for any other layer.
ActivationKind function_of(const AnyLayer& layer) {
  return std::visit(
      [](const auto& l) {
        if constexpr (requires { l.function; }) {
          return l.function;
        } else {
          return ActivationKind::none;
        }
      },
      layer);
}

// Whether the layer can apply the activation after it at once.
bool applies_activation(const AnyLayer& layer) {
  return std::visit(
      []<class L>(const L&) {
        return requires { L::applies_activation; };
      },
      layer);
}

// Whether the layer's y are values of x and its dx are those of dy, each at most once, and zeros.
bool hands_slopes_on(const AnyLayer& layer) {
  const MaxPool2d* pool = std::get_if<MaxPool2d>(&layer);
  return pool && pool->window.stride >= std::max(pool->window.height, pool->window.width);
}

bool has_parameters(const AnyLayer& layer) {
  return std::visit([](auto& l) { return !l.parameters.list().empty(); }, const_cast<AnyLayer&>(layer));
}

}  // namespace

Plan::Plan(const Network& network, int64_t max_batch, Mode mode, bool fuse)
    : max_batch_(max_batch), fuse_(fuse) {
  Shape shape = with_batch(network.input, max_batch);
  int64_t largest = 0;
  bool parameters_before = false;
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const AnyLayer& layer = network.layers[i];
    Node node;
    node.layer = i;
    node.needs_dx = parameters_before;
    parameters_before = parameters_before || has_parameters(layer);
    node.is_view = std::holds_alternative<Flatten>(layer) && Flatten::is_identity(shape);
    node.saved = std::visit([&](const auto& l) { return std::any(l.make_saved(shape)); }, layer);
    shape = std::visit([&](const auto& l) { return l.output_shape(shape); }, layer);
    node.shape = shape;
    if (fuse && i + 1 < network.layers.size() && applies_activation(layer)) {
      const ActivationKind next = function_of(network.layers[i + 1]);
      if (next != ActivationKind::none && (mode == Mode::infer || derivative_from_output(next))) {
        node.activation = next;
        ++i;
      }
    }
    node.derivative = node.activation;
    // Max pooling hands every slope to one pixel: f' can be applied before, to fewer values.
    if (fuse && i > 0 && !nodes_.empty() && hands_slopes_on(layer)) {
      std::swap(node.derivative, nodes_.back().derivative);
    }
    largest = std::max(largest, shape.elements());
    nodes_.push_back(std::move(node));
  }
  for (Tensor& buffer : mode == Mode::infer ? activations_ : gradients_) buffer = Tensor({largest});
  int side = 0;
  for (Node& node : nodes_) {
    if (node.is_view) continue;
    node.y = mode == Mode::infer ? Tensor::borrow(activations_[side].data(), node.shape) : Tensor(node.shape);
    side = 1 - side;
  }
}

const Tensor& Plan::run(const Network& network, const Tensor& x, const Step& step, bool training) {
  const int64_t n = x.shape()[0];
  assert(n <= max_batch_);
  const Tensor* in = &x;
  for (Node& node : nodes_) {
    const Shape shape = with_batch(node.shape, n);
    if (node.is_view) {
      node.y = Tensor::borrow(const_cast<Scalar*>(in->data()), shape);
    } else {
      node.y.reshape(shape);
      Step here = step;
      here.activation = node.activation;
      here.layer = static_cast<int64_t>(node.layer);
      std::visit(
          [&](const auto& layer) {
            auto& saved = *std::any_cast<typename std::decay_t<decltype(layer)>::Saved>(&node.saved);
            if (training) {
              layer.forward(*in, node.y, saved, here);
            } else {
              layer.infer(*in, node.y, saved, here);
            }
          },
          network.layers[node.layer]);
    }
    in = &node.y;
  }
  return *in;
}

const Tensor& Plan::infer(const Network& network, const Tensor& x, const Step& step) {
  return run(network, x, step, false);
}

const Tensor& Plan::forward(const Network& network, const Tensor& x, const Step& step) {
  return run(network, x, step, true);
}

void Plan::update_state(Network& network, double share) const {
  for (const Node& node : nodes_) {
    std::visit(
        [&](auto& layer) {
          using L = std::decay_t<decltype(layer)>;
          if constexpr (requires(const typename L::Saved& saved) { layer.update_state(saved, share); }) {
            layer.update_state(*std::any_cast<typename L::Saved>(&node.saved), share);
          }
        },
        network.layers[node.layer]);
  }
}

Tensor& Plan::logits_gradient() {
  Tensor& dy = gradients_[(nodes_.size() - 1) % 2];
  dy.reshape(nodes_.back().y.shape());
  return dy;
}

void Plan::backward(const Network& network, const Tensor& x, Network& gradients, const Step& step) {
  for (size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    const Tensor& in = i > 0 ? nodes_[i - 1].y : x;
    Tensor& dy = gradients_[i % 2];
    Tensor& other = gradients_[(i + 1) % 2];
    Tensor dx = node.needs_dx ? Tensor::borrow(other.data(), in.shape()) : Tensor();
    if (node.derivative != ActivationKind::none) {
      activate_backward(node.derivative, nullptr, node.y.data(), dy.data(), dy.size(), dy.data());
    }
    std::visit(
        [&](const auto& layer) {
          using L = std::decay_t<decltype(layer)>;
          layer.backward(in, node.y, *std::any_cast<typename L::Saved>(&node.saved), dy, dx,
                         std::get<L>(gradients.layers[node.layer]).parameters, step);
        },
        network.layers[node.layer]);
    if (!node.needs_dx) return;
    other.reshape(in.shape());
  }
}

}  // namespace mudra
