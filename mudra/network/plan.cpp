#include "mudra/network/plan.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "mudra/core/denormals.h"
#include "mudra/simd/add.h"

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
        return requires { L::applies_activation; }
        || std::is_same_v<L, Add>;
      },
      layer);
}

// Whether the layer's y are values of x and its dx are those of dy, each at most once, and zeros.
bool hands_slopes_on(const AnyLayer& layer) {
  const MaxPool2d* pool = std::get_if<MaxPool2d>(&layer);
  return pool && pool->window.stride >= std::max(pool->window.height, pool->window.width);
}

// Whether the layer can do max pooling over windows of 2x2 at once.
bool can_pool(const AnyLayer& layer, const Shape& x, bool wants_dx) {
  const Conv2d* conv = std::get_if<Conv2d>(&layer);
  return conv && conv->can_pool(x, wants_dx);
}

bool is_pool_of_two(const AnyLayer& layer) {
  const MaxPool2d* pool = std::get_if<MaxPool2d>(&layer);
  return pool && pool->window.height == 2 && pool->window.width == 2 && pool->window.stride == 2;
}

bool has_parameters(const AnyLayer& layer) {
  return std::visit([](auto& l) { return !l.parameters.list().empty(); }, const_cast<AnyLayer&>(layer));
}

std::optional<MarkKind> mark_of(const AnyLayer& layer) {
  return std::visit(
      []<class L>(const L&) -> std::optional<MarkKind> {
        if constexpr (IsMark<L>) {
          return L::mark;
        } else {
          return std::nullopt;
        }
      },
      layer);
}

// Calls visit(layer) with anything that computes; marks do not.
template <class Visit>
void visit_layer(const AnyLayer& any, Visit visit) {
  std::visit(
      [&]<class L>(const L& layer) {
        if constexpr (!IsMark<L>) visit(layer);
      },
      any);
}

// Images to infer together: so few that values stay in the second-level cache, so many that weights are
// worth their way there.
int64_t part_of(const Network& network, int64_t max_batch) {
  constexpr int64_t cache = int64_t{1} << 18, least = 16;  // scalars, images
  int64_t largest = 1;
  for (const Shape& shape : network.shapes(1)) largest = std::max(largest, shape.elements());
  return std::min(max_batch, std::max(least, cache / largest));
}

}  // namespace

// Hands out buffers that nobody uses any more; each is as large as its largest user.
class Plan::Buffers {
 public:
  int take(int64_t elements) {
    size_t i = 0;
    while (i < sizes_.size() && is_used_[i]) ++i;
    if (i == sizes_.size()) {
      sizes_.push_back(0);
      is_used_.push_back(true);
    }
    sizes_[i] = std::max(sizes_[i], elements);
    is_used_[i] = true;
    return static_cast<int>(i);
  }
  void give_back(int buffer) {
    if (buffer != none) is_used_[static_cast<size_t>(buffer)] = false;
  }
  std::vector<Tensor> make() const {
    std::vector<Tensor> buffers;
    for (const int64_t size : sizes_) buffers.emplace_back(Shape{size});
    return buffers;
  }

 private:
  std::vector<int64_t> sizes_;
  std::vector<bool> is_used_;
};

Plan::Plan(const Network& network, int64_t max_batch, Mode mode, bool fuse)
    : max_batch_(max_batch),
      mode_(mode),
      part_(mode == Mode::infer ? part_of(network, max_batch) : max_batch) {
  const std::vector<Shape> shapes = network.shapes(part_);
  MarkStack<int> kept;
  const auto is_learned = [&](int node) { return node != none && nodes_[static_cast<size_t>(node)].learned; };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const AnyLayer& layer = network.layers[i];
    const int last = static_cast<int>(nodes_.size()) - 1;
    Node node;
    node.layer = i;
    node.mark = mark_of(layer);
    node.input = last;
    node.shape = shapes[i + 1];
    if (node.mark == MarkKind::fork) kept.fork(last + 1);
    if (node.mark == MarkKind::shortcut) kept.shortcut(node.input);
    if (node.mark == MarkKind::add) node.other = kept.add();
    const Flatten* flatten = std::get_if<Flatten>(&layer);
    node.is_view = node.mark ? node.mark != MarkKind::add : flatten && flatten->is_identity(shapes[i]);
    node.learned = is_learned(node.input) || is_learned(node.other) || has_parameters(layer);
    std::visit(
        [&](const auto& l) {
          auto saved = l.make_saved(shapes[i], mode);
          node.saved_bytes = saved.bytes();
          node.saved = std::move(saved);
        },
        layer);
    if (fuse && i + 1 < network.layers.size() && applies_activation(layer)) {
      const ActivationKind next = function_of(network.layers[i + 1]);
      if (next != ActivationKind::none && (mode == Mode::infer || derivative_from_output(next))) {
        node.activation = next;
        ++i;
      }
    }
    if (fuse && i + 1 < network.layers.size() &&
        can_pool(layer, shapes[node.layer], mode == Mode::train && is_learned(node.input)) &&
        is_pool_of_two(network.layers[i + 1])) {
      node.pools = true;
      node.shape = shapes[++i + 1];
      if (mode == Mode::train) node.winner = Tensor(node.shape);
      node.saved_bytes += bytes_of(node.winner);
    }
    node.derivative = node.activation;
    // Max pooling hands every slope to one pixel: f' can be applied before, to fewer values.
    if (fuse && !nodes_.empty() && hands_slopes_on(layer))
      std::swap(node.derivative, nodes_.back().derivative);
    nodes_.push_back(std::move(node));
  }
  Buffers buffers;
  if (mode == Mode::infer) {
    place_values(buffers);
    if (part_ < max_batch) logits_ = Tensor(with_batch(nodes_.back().shape, max_batch));
  } else {
    for (Node& node : nodes_) {
      if (!node.is_view) node.y = Tensor(node.shape);
    }
    place_gradients(buffers);
  }
}

// To infer, a value's memory is free once its last reader has run.
void Plan::place_values(Buffers& buffers) {
  std::vector<int> owner(nodes_.size()), last_use(nodes_.size(), none), buffer(nodes_.size(), none);
  const auto owner_of = [&](int node) { return node == none ? none : owner[static_cast<size_t>(node)]; };
  for (size_t i = 0; i < nodes_.size(); ++i) {  // views read the value they show
    owner[i] = nodes_[i].is_view ? owner_of(nodes_[i].input) : static_cast<int>(i);
    for (const int read : {owner_of(nodes_[i].input), owner_of(nodes_[i].other)}) {
      if (read != none) last_use[static_cast<size_t>(read)] = static_cast<int>(i);
    }
  }
  if (owner.back() != none) last_use[static_cast<size_t>(owner.back())] = static_cast<int>(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].is_view) buffer[i] = buffers.take(nodes_[i].shape.elements());
    for (size_t earlier = 0; earlier < i; ++earlier) {
      if (last_use[earlier] == static_cast<int>(i)) buffers.give_back(buffer[earlier]);
    }
  }
  buffers_ = buffers.make();
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (buffer[i] == none) continue;
    nodes_[i].y = Tensor::borrow(buffers_[static_cast<size_t>(buffer[i])].data(), nodes_[i].shape);
  }
}

// Plays the backward pass. `now` is the buffer with the gradient of the value that flows, `kept` has those of
// the values kept.
void Plan::place_gradients(Buffers& buffers) {
  MarkStack<int> kept;
  const auto is_asked = [&](int node) { return node != none && nodes_[static_cast<size_t>(node)].learned; };
  int now = buffers.take(nodes_.back().shape.elements());
  for (size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    node.dy = now;
    if (node.mark == MarkKind::shortcut) {
      kept.shortcut(now);
    } else if (node.mark == MarkKind::fork) {
      node.other_dy = kept.add();
      buffers.give_back(node.other_dy);
    } else if (now != none) {
      if (node.mark == MarkKind::add) {
        if (is_asked(node.other)) node.other_dy = buffers.take(node.shape.elements());
        kept.fork(node.other_dy);
      }
      if (!is_asked(node.input)) {
        now = none;
      } else if (!node.is_view && node.mark != MarkKind::add) {
        now = buffers.take(nodes_[static_cast<size_t>(node.input)].shape.elements());
      }
      node.dx = now;
      if (node.dx != node.dy) buffers.give_back(node.dy);
    }
  }
  buffers_ = buffers.make();
  logits_gradient_ = Tensor::borrow(gradient(nodes_.back().dy), nodes_.back().shape);
}

const Tensor& Plan::run(const Network& network, const Tensor& x, const Step& step, bool training) {
  const int64_t n = x.shape()[0];
  assert(n <= part_);
  for (Node& node : nodes_) {
    const Tensor& in = value(node.input, x);
    const Shape shape = with_batch(node.shape, n);
    if (node.is_view) {
      node.y = Tensor::borrow(const_cast<Scalar*>(in.data()), shape);
      continue;
    }
    node.y.reshape(shape);
    if (node.mark == MarkKind::add) {
      add(step.team, in.data(), value(node.other, x).data(), in.size(), node.y.data());
      if (node.activation != ActivationKind::none) {
        activate(node.activation, node.y.data(), node.y.size(), node.y.data());
      }
      continue;
    }
    Step here = step;
    here.activation = node.activation;
    here.layer = static_cast<int64_t>(node.layer);
    if (node.pools) here.winner = &node.winner;
    visit_layer(network.layers[node.layer], [&]<class L>(const L& layer) {
      auto& saved = *std::any_cast<typename L::Saved>(&node.saved);
      if (training) {
        layer.forward(in, node.y, saved, here);
      } else {
        layer.infer(in, node.y, saved, here);
      }
    });
  }
  return nodes_.back().y;
}

const Tensor& Plan::infer(const Network& network, const Tensor& x, const Step& step) {
  const FlushDenormals flush;
  const int64_t n = x.shape()[0];
  assert(n <= max_batch_);
  if (n <= part_) return run(network, x, step, false);
  logits_.reshape(with_batch(logits_.shape(), n));
  const int64_t outputs = logits_.shape()[1], size = x.size() / n;
  for (int64_t first = 0; first < n; first += part_) {
    const int64_t count = std::min(part_, n - first);
    const Tensor images =
        Tensor::borrow(const_cast<Scalar*>(x.data()) + first * size, with_batch(x.shape(), count));
    const Tensor& logits = run(network, images, step, false);
    std::copy_n(logits.data(), count * outputs, logits_.data() + first * outputs);
  }
  return logits_;
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
  logits_gradient_.reshape(nodes_.back().y.shape());
  return logits_gradient_;
}

void Plan::backward(const Network& network, const Tensor& x, Network& gradients, const Step& step) {
  for (size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    if (node.dy == none) continue;
    Tensor dy = Tensor::borrow(gradient(node.dy), node.y.shape());
    if (node.derivative != ActivationKind::none) {
      activate_backward(node.derivative, nullptr, node.y.data(), dy.data(), dy.size(), dy.data());
    }
    if (node.mark &&
        node.other_dy != none) {  // y = x + other; what forked is the sum of both ways' gradients
      Scalar* other = gradient(node.other_dy);
      if (node.mark == MarkKind::add) {
        std::copy_n(dy.data(), dy.size(), other);
      } else {
        add(step.team, dy.data(), other, dy.size(), dy.data());
      }
    }
    if (node.mark || node.is_view) continue;
    const Tensor& in = value(node.input, x);
    Tensor dx = node.dx == none ? Tensor() : Tensor::borrow(gradient(node.dx), in.shape());
    Step here = step;
    if (node.pools) here.winner = &node.winner;
    visit_layer(network.layers[node.layer], [&]<class L>(const L& layer) {
      layer.backward(in, node.y, *std::any_cast<typename L::Saved>(&node.saved), dy, dx,
                     std::get<L>(gradients.layers[node.layer]).parameters, here);
    });
  }
}

Plan::Memory Plan::memory() const {
  Memory memory;
  for (const Node& node : nodes_) {
    memory.layers.resize(node.layer + 1);
    int64_t& bytes = memory.layers.back();
    if (mode_ == Mode::train && !node.is_view) bytes += bytes_of(node.y);
    bytes += node.saved_bytes;
  }
  for (const Tensor& buffer : buffers_) memory.shared += bytes_of(buffer);
  return memory;
}

}  // namespace mudra
