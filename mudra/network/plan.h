// Everything about running a network that is settled once: the order of its layers, shapes, buffers, fusions.
// Nothing is allocated after construction.
//
// A plan holds the values of one batch, so that a thread of execution needs a plan of its own; the network is
// not changed by running it (descend and update_state say that they change it) and can serve many plans.
// Every call takes the network the plan was made for, or one of the same layers with other weights, and
// images x [N, H, W, C] with 1 <= N <= max_batch(). Whatever is returned lives until the next call.
#pragma once

#include <vector>

#include "mudra/network/graph.h"
#include "mudra/network/network.h"

namespace mudra {

struct PlanOptions {
  // false: every layer runs by itself and gradients are stored before they are used. The same bits, slower.
  bool fuse = true;
  // So many layers at the front stay as they are: they run as to infer (running statistics, no dropout), and
  // nothing is computed backwards below the first layer that is trained. Mode::train only.
  size_t frozen = 0;
};

class Plan {
 public:
  using Mode = mudra::Mode;
  Plan(const Network& network, int64_t max_batch, Mode mode, const PlanOptions& options = {});

  int64_t max_batch() const { return max_batch_; }

  // Logits [N, outputs], or [N, H', W', channels] from a network with heads at places. In Mode::infer:
  const Tensor& infer(const Network& network, const Tensor& x, const Context& context);
  // In Mode::train, and in Mode::explain, where the answer is that of infer:
  const Tensor& forward(const Network& network, const Tensor& x, const Context& context);

  // Where the loss, or whoever asks, puts the gradient of the logits, of their shape, between forward() and a
  // pass backwards, which overwrites it.
  Tensor& logits_gradient();

  // Mode::train, after forward() of the same x: puts the gradient of every trained parameter into
  // `gradients`, a copy of the network. Those of frozen layers, and running statistics, stay as they are
  // there.
  void backward(const Network& network, const Tensor& x, Network& gradients, const Context& context);
  // The same, and moves the weights at once: weight -= rate * gradient.
  void descend(Network& network, const Tensor& x, Scalar rate, const Context& context);
  // The running statistics of layers that are not frozen follow the batch last given to forward(); `share` is
  // the batch's weight. Shares of 1, 1/2, 1/3, ... make them the mean over so many batches.
  void update_state(Network& network, double share = BatchNorm::momentum) const;

  // Mode::explain, after forward() of the same x: the gradient of the images [N, H, W, C] of what
  // logits_gradient() was filled for, such as 1 for one class: how that logit grows with each pixel.
  const Tensor& input_gradient(const Network& network, const Tensor& x, const Context& context);
  // Mode::explain, after forward(): what a layer of the network gave, before the layers behind it. `layer`
  // must be less than network.layers.size() and neither a fork nor a shortcut, which compute nothing.
  const Tensor& value(size_t layer) const;

  // Heap memory in bytes: of values and of what layers keep beside them, of gradients (or, to infer, of
  // values that share buffers).
  struct Memory {
    std::vector<int64_t> layers;  // of every layer of the network up to the last that runs
    int64_t shared = 0;
  };
  Memory memory() const;

 private:
  static constexpr int none = -1;
  // One step forward: a layer, and what is done at once with its output.
  struct Node {
    size_t layer = 0;                                  // index into network.layers
    ActivationKind activation = ActivationKind::none;  // of the layer after it, done at once
    ActivationKind derivative = ActivationKind::none;  // to apply to dy first, from y
    bool pools = false;                                // the max pooling after that, too
    int input = none;                                  // the node whose y is x; none: the images
    int other = none;                                  // add: the node whose y joins
    Shape shape;                                       // of y, for `chunk_` examples
    Tensor y;
    Tensor argmax;  // of pooled y
    AnySaved saved;
    bool is_add = false;
    bool is_view = false;         // y is x, reshaped
    bool infers = false;          // runs as to infer
    bool is_trained = false;      // has parameters to be learned
    bool needs_gradient = false;  // y depends on such parameters, or somebody asks for the images' gradient
    // Buffers of gradients: of y, of x and, for an add, of the other value; none: nobody asks for it.
    int dy = none, dx = none, other_dy = none;
    // Afterwards: the gradient of a value in buffer `sum` += its other one in buffer `term`.
    struct Sum {
      int value, sum, term;
    };
    std::vector<Sum> sums;
  };
  class Buffers;

  void make_nodes(const Network& network, const PlanOptions& options);
  Node make_node(const Network& network, const Graph& graph, size_t number, size_t frozen,
                 const std::vector<int>& node_of) const;
  void place_values();
  void place_gradients(const Graph& graph, const std::vector<int>& node_of);
  bool needs_gradient(int node) const;
  const Tensor& value_of(int node, const Tensor& x) const {
    return node == none ? x : nodes_[static_cast<size_t>(node)].y;
  }
  const Tensor& run(const Network& network, const Tensor& x, const Context& context);
  void run_backward(const Network& network, const Tensor& x, Network* gradients, const GradientSink& sink,
                    const Context& context);
  Scalar* gradient(int buffer) { return buffers_[static_cast<size_t>(buffer)].data(); }

  int64_t max_batch_;
  Mode mode_;
  int64_t chunk_;  // images that go through the layers together
  std::vector<Node> nodes_;
  std::vector<Tensor> buffers_;  // inference: values; otherwise: gradients
  Tensor logits_gradient_, input_gradient_;
  Tensor logits_;  // inference in chunks: of all images
};

}  // namespace mudra
