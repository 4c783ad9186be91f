#include "mudra/network/plan.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "mudra/core/denormals.h"
#include "mudra/simd/add.h"

namespace mudra {
namespace {

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

// Whether the layer's y are values of x, each at most once, so that its dx are the values of dy, and zeros.
bool only_selects(const AnyLayer& layer) {
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
  return std::visit([](const auto& l) { return !list(l.parameters).empty(); }, layer);
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
int64_t chunk_of(const Network& network, int64_t max_batch) {
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
    const auto i = static_cast<size_t>(std::ranges::find(is_used_, false) - is_used_.begin());
    sizes_.resize(std::max(sizes_.size(), i + 1));
    is_used_.resize(sizes_.size());
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

Plan::Plan(const Network& network, int64_t max_batch, Mode mode, const PlanOptions& options)
    : max_batch_(max_batch),
      mode_(mode),
      chunk_(mode == Mode::infer ? chunk_of(network, max_batch) : max_batch) {
  assert(options.frozen == 0 || mode == Mode::train);
  make_nodes(network, options);
}

bool Plan::needs_gradient(int node) const {
  return node == none ? mode_ == Mode::explain : nodes_[static_cast<size_t>(node)].needs_gradient;
}

// A layer by itself. `node_of` tells the node that makes each value before.
Plan::Node Plan::make_node(const Network& network, const Graph& graph, size_t number, size_t frozen,
                           const std::vector<int>& node_of) const {
  const auto node_with = [&](int value) {
    return value == Graph::images ? none : node_of[static_cast<size_t>(value)];
  };
  const Graph::Node& from = graph.nodes[number];
  const AnyLayer& layer = network.layers[from.layer];
  const Shape& x = graph.shape(from.inputs[0]);
  Node node;
  node.layer = from.layer;
  node.shape = from.shape;
  node.input = node_with(from.inputs[0]);
  node.is_add = from.inputs.size() == 2;
  if (node.is_add) node.other = node_with(from.inputs[1]);
  const Flatten* flatten = std::get_if<Flatten>(&layer);
  node.is_view = flatten && flatten->is_identity(x);
  node.infers = mode_ != Mode::train || from.layer < frozen;
  node.is_trained = !node.infers && has_parameters(layer);
  node.needs_gradient =
      node.is_trained || needs_gradient(node.input) || (node.is_add && needs_gradient(node.other));
  const Mode mode = from.layer < frozen ? Mode::infer : mode_;
  visit_layer(layer, [&](const auto& l) { node.saved = l.make_saved(x, mode); });
  return node;
}

void Plan::make_nodes(const Network& network, const PlanOptions& options) {
  const Graph graph = lower(network, chunk_);
  const size_t count = graph.nodes.size();
  std::vector<int> readers(count, 0), node_of(count, none);
  for (const Graph::Node& node : graph.nodes) {
    for (const int value : node.inputs) {
      if (value != Graph::images) ++readers[static_cast<size_t>(value)];
    }
  }
  const bool fuse = options.fuse && mode_ != Mode::explain;
  // Whether `value` exists only for the node after it.
  const auto is_handed_on = [&](size_t value) {
    return fuse && value + 1 < count && readers[value] == 1 &&
           graph.nodes[value + 1].inputs[0] == static_cast<int>(value);
  };
  for (size_t i = 0; i < count; ++i) {
    Node node = make_node(network, graph, i, options.frozen, node_of);
    const AnyLayer& layer = network.layers[node.layer];
    // Pooling that only selects gives each gradient to one pixel: f' can be applied before, to fewer values.
    const bool swaps = i > 0 && is_handed_on(i - 1) && only_selects(layer);
    const auto next = [&]() -> const AnyLayer& { return network.layers[graph.nodes[i + 1].layer]; };
    const Shape& x = graph.shape(graph.nodes[i].inputs[0]);
    node_of[i] = static_cast<int>(nodes_.size());
    if (is_handed_on(i) && applies_activation(layer)) {
      const ActivationKind function = function_of(next());
      if (function != ActivationKind::none && (node.infers || derivative_from_output(function))) {
        node.activation = function;
        node_of[++i] = static_cast<int>(nodes_.size());
      }
    }
    if (is_handed_on(i) && is_pool_of_two(next()) &&
        can_pool(layer, x, !node.infers && needs_gradient(node.input))) {
      node.pools = true;
      node_of[++i] = static_cast<int>(nodes_.size());
      if (!node.infers) node.argmax = Tensor(graph.nodes[i].shape);
    }
    node.shape = graph.nodes[i].shape;
    node.derivative = node.activation;
    if (swaps) std::swap(node.derivative, nodes_.back().derivative);
    nodes_.push_back(std::move(node));
  }
  if (mode_ == Mode::infer) return place_values();
  for (Node& node : nodes_) {
    if (!node.is_view) node.y = Tensor(node.shape);
  }
  place_gradients(graph, node_of);
}

// To infer, a value's memory is free once its last reader has run.
void Plan::place_values() {
  Buffers buffers;
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
  if (chunk_ < max_batch_) logits_ = Tensor(with_batch(nodes_.back().shape, max_batch_));
}

// Plays the backward pass. `waiting` holds, for every value, the buffers with gradients from the readers that
// have had their turn, latest first; a value's own turn comes when they have become one.
void Plan::place_gradients(const Graph& graph, const std::vector<int>& node_of) {
  Buffers buffers;
  std::vector<std::vector<int>> waiting(nodes_.size() + 1);  // the images' first
  const auto waiting_at = [&](int node) -> std::vector<int>& {
    return waiting[static_cast<size_t>(int64_t{node} + 1)];
  };
  waiting.back().push_back(buffers.take(nodes_.back().shape.elements()));
  size_t number = graph.nodes.size();  // of the graph, whose node i was
  for (size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    if (!waiting[i + 1].empty()) {
      node.dy = node.dx = waiting[i + 1].back();
      if (node.is_add && needs_gradient(node.other)) {
        node.other_dy = buffers.take(node.shape.elements());
        waiting_at(node.other).push_back(node.other_dy);
      }
      if (!needs_gradient(node.input)) {
        node.dx = none;
      } else if (!node.is_view && !node.is_add) {
        node.dx = buffers.take(node.input == none ? graph.input.elements()
                                                  : nodes_[static_cast<size_t>(node.input)].shape.elements());
      }
      if (node.dx != none) waiting_at(node.input).push_back(node.dx);
      if (node.dx != node.dy) buffers.give_back(node.dy);
    }
    while (number > 0 && node_of[number - 1] == static_cast<int>(i)) {
      const std::vector<int>& forks = graph.nodes[--number].forks;
      for (auto value = forks.rbegin(); value != forks.rend(); ++value) {
        const int forked = *value == Graph::images ? none : node_of[static_cast<size_t>(*value)];
        std::vector<int>& parts = waiting_at(forked);
        if (parts.size() < 2) continue;  // nobody asks
        node.sums.push_back({forked, parts.back(), parts[parts.size() - 2]});
        parts.erase(parts.end() - 2);
        buffers.give_back(node.sums.back().term);
      }
    }
  }
  buffers_ = buffers.make();
  logits_gradient_ = Tensor::borrow(gradient(nodes_.back().dy), nodes_.back().shape);
  if (mode_ == Mode::explain) input_gradient_ = Tensor::borrow(gradient(waiting[0].back()), graph.input);
}

const Tensor& Plan::run(const Network& network, const Tensor& x, const Context& context) {
  const int64_t n = x.shape()[0];
  assert(n <= chunk_);
  for (Node& node : nodes_) {
    const Tensor& in = value_of(node.input, x);
    const Shape shape = with_batch(node.shape, n);
    if (node.is_view) {
      node.y = Tensor::borrow(const_cast<Scalar*>(in.data()), shape);  // nobody writes to a view
      continue;
    }
    node.y.reshape(shape);
    if (node.is_add) {
      add(context.team, in.data(), value_of(node.other, x).data(), in.size(), node.y.data());
      activate(node.activation, node.y.data(), node.y.size(), node.y.data());
      continue;
    }
    Context here = context;
    here.activation = node.activation;
    here.layer = static_cast<int64_t>(node.layer);
    if (node.pools) here.argmax = &node.argmax;
    visit_layer(network.layers[node.layer], [&]<class L>(const L& layer) {
      auto& saved = std::get<typename L::Saved>(node.saved);
      if (node.infers) {
        layer.infer(in, node.y, saved, here);
      } else {
        mudra::forward(layer, in, node.y, saved, here);
      }
    });
  }
  return nodes_.back().y;
}

const Tensor& Plan::infer(const Network& network, const Tensor& x, const Context& context) {
  assert(mode_ == Mode::infer);
  const FlushDenormals flush;
  const int64_t n = x.shape()[0];
  assert(n <= max_batch_);
  if (n <= chunk_) return run(network, x, context);
  logits_.reshape(with_batch(logits_.shape(), n));
  const int64_t outputs = logits_.shape().per_example(), size = x.size() / n;
  for (int64_t first = 0; first < n; first += chunk_) {
    const int64_t count = std::min(chunk_, n - first);
    const Tensor images = Tensor::borrow(x.data() + first * size, with_batch(x.shape(), count));
    const Tensor& logits = run(network, images, context);
    std::copy_n(logits.data(), count * outputs, logits_.data() + first * outputs);
  }
  return logits_;
}

const Tensor& Plan::forward(const Network& network, const Tensor& x, const Context& context) {
  assert(mode_ != Mode::infer);
  return run(network, x, context);
}

void Plan::update_state(Network& network, double share) const {
  for (const Node& node : nodes_) {
    std::visit(
        [&]<class L>(L& layer) {
          if constexpr (requires(const typename L::Saved& saved) { layer.update_state(saved, share); }) {
            if (!node.infers) layer.update_state(std::get<typename L::Saved>(node.saved), share);
          }
        },
        network.layers[node.layer]);
  }
}

Tensor& Plan::logits_gradient() {
  logits_gradient_.reshape(nodes_.back().y.shape());
  return logits_gradient_;
}

// `gradients` may be the network itself when the sink descends: a layer's dx is there before its weights
// move.
void Plan::run_backward(const Network& network, const Tensor& x, Network* gradients, const GradientSink& sink,
                        const Context& context) {
  for (size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    Tensor dy = node.dy == none ? Tensor() : Tensor::borrow(gradient(node.dy), node.y.shape());
    activate_backward(node.derivative, nullptr, node.y.data(), dy.data(), dy.size(), dy.data());
    if (node.other_dy != none) std::copy_n(dy.data(), dy.size(), gradient(node.other_dy));
    if (node.dy != none && !node.is_add && !node.is_view) {
      const Tensor& in = value_of(node.input, x);
      Tensor dx = node.dx == none ? Tensor() : Tensor::borrow(gradient(node.dx), in.shape());
      Context here = context;
      if (node.pools) here.argmax = &node.argmax;
      visit_layer(network.layers[node.layer], [&]<class L>(const L& layer) {
        auto& saved = std::get<typename L::Saved>(node.saved);
        const Pass pass{in, node.y, dy, here};
        if (node.is_trained || dx.data()) layer.backward(pass, saved, dx);
        if constexpr (HasGradients<L>) {
          if (!node.is_trained) return;
          layer.gradients(pass, saved, std::get<L>(gradients->layers[node.layer]).parameters, sink);
        }
      });
    }
    for (const auto& [value, sum, term] : node.sums) {
      add(context.team, gradient(sum), gradient(term), value_of(value, x).size(), gradient(sum));
    }
  }
}

void Plan::backward(const Network& network, const Tensor& x, Network& gradients, const Context& context) {
  assert(mode_ == Mode::train);
  run_backward(network, x, &gradients, GradientSink::store(), context);
}

void Plan::descend(Network& network, const Tensor& x, Scalar rate, const Context& context) {
  assert(mode_ == Mode::train);
  run_backward(network, x, &network, GradientSink::descend(rate), context);
}

const Tensor& Plan::input_gradient(const Network& network, const Tensor& x, const Context& context) {
  assert(mode_ == Mode::explain);
  run_backward(network, x, nullptr, GradientSink::store(), context);
  input_gradient_.reshape(x.shape());
  return input_gradient_;
}

const Tensor& Plan::value(size_t layer) const {
  assert(mode_ == Mode::explain);
  return std::ranges::find(nodes_, layer, &Node::layer)->y;
}

Plan::Memory Plan::memory() const {
  Memory memory;
  for (const Node& node : nodes_) {
    memory.layers.resize(node.layer + 1);
    int64_t& bytes = memory.layers.back();
    if (mode_ != Mode::infer && !node.is_view) bytes += bytes_of(node.y);
    bytes += bytes_of(node.argmax);
    bytes += std::visit([](const auto& saved) { return saved.bytes(); }, node.saved);
  }
  for (const Tensor& buffer : buffers_) memory.shared += bytes_of(buffer);
  return memory;
}

}  // namespace mudra
