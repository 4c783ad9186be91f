// A network as a graph of values, for whoever runs, describes or exports it: the marks of residual blocks are
// gone, and a block is a node with two inputs.
#pragma once

#include <cstddef>
#include <vector>

#include "mudra/layers/layers.h"

namespace mudra {

struct Network;

struct Graph {
  static constexpr int images = -1;  // the value that every network begins with

  // A value y, numbered by its place in `nodes`, and the layer that makes it from values before it.
  struct Node {
    size_t layer = 0;         // index into network.layers; an Add where there are two inputs
    std::vector<int> inputs;  // values: one, or the two that a block adds
    Shape shape;              // of y
    // Values that have one reader more from this node on. Training adds the two gradients of such a value
    // here, so that nested blocks always add theirs in one order.
    std::vector<int> forks;
  };
  std::vector<Node> nodes;   // readers come after what they read; the last value are the logits
  std::vector<int> reached;  // for every layer, marks included: the value that flows on behind it
  Shape input;               // of the images

  const Shape& shape(int value) const {
    return value == images ? input : nodes[static_cast<size_t>(value)].shape;
  }
};

// Follows layers one by one, as a line is read.
class GraphBuilder {
 public:
  explicit GraphBuilder(const Shape& input) { graph_.input = input; }

  const Graph& graph() const { return graph_; }
  const Shape& shape() const { return graph_.shape(now_); }  // of the value that the next layer takes
  bool is_open() const { return !kept_.empty(); }            // whether a block is not closed yet
  // Throws Error when the layer cannot take the value, and LineError, which points at `words`, when the two
  // ways of a block do not fit.
  void add(const AnyLayer& layer, const Words& words);

 private:
  Graph graph_;
  int now_ = Graph::images;        // the value that flows from layer to layer
  std::vector<int> kept_, forks_;  // values that forks keep; those forked since the last node
};

// The graph for so many images at once. Throws Error when the layers do not fit each other.
Graph lower(const Network& network, int64_t examples = 1);

}  // namespace mudra
