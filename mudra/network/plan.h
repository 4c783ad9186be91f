// Everything about running a network that is settled once: shapes, buffers, fusions. Nothing is allocated
// after construction. One plan per thread of execution; the network itself is never changed by running it.
#pragma once

#include <any>
#include <optional>
#include <vector>

#include "mudra/network/network.h"

namespace mudra {

class Plan {
 public:
  using Mode = mudra::Mode;
  // With fuse = false every layer runs by itself and gradients are always stored: the same bits, slower.
  Plan(const Network& network, int64_t max_batch, Mode mode, bool fuse = true);

  int64_t max_batch() const { return max_batch_; }

  // Logits [N, outputs] of images x [N, H, W, C], N <= max_batch; they live until the next call.
  const Tensor& infer(const Network& network, const Tensor& x, const Step& step);
  const Tensor& forward(const Network& network, const Tensor& x, const Step& step);

  // Where the loss puts its gradient, [N, outputs], after forward().
  Tensor& logits_gradient();
  // The gradients of all parameters into `gradients`, a copy of the network. With a step.sink that descends,
  // pass the network itself: its weights go down the slope at once.
  void backward(const Network& network, const Tensor& x, Network& gradients, const Step& step);
  // Running statistics of `network` follow the batch last given to forward(); `share` is the batch's weight.
  // Shares of 1, 1/2, 1/3, ... make them the mean over so many batches.
  void update_state(Network& network, double share = BatchNorm::momentum) const;

  // Heap memory: of node values and of what layers keep beside them, of gradients (or, to infer, of values
  // that share buffers).
  struct Memory {
    std::vector<int64_t> layers;  // of every layer of the network
    int64_t shared = 0;
  };
  Memory memory() const;

 private:
  static constexpr int none = -1;
  struct Node {
    size_t layer = 0;                                  // index into network.layers
    ActivationKind activation = ActivationKind::none;  // of the layer after it, done at once
    ActivationKind derivative = ActivationKind::none;  // to apply to dy first, from y
    bool pools = false;                                // the max pooling after that, too
    int input = none;                                  // the node whose y is x; none: the images
    int other = none;                                  // add: the node whose y joins
    Shape shape;                                       // of y, for `part_` examples
    Tensor y;
    Tensor winner;  // of pooled y
    std::any saved;
    int64_t saved_bytes = 0;
    std::optional<MarkKind> mark;
    bool is_view = false;  // y is x, reshaped
    bool learned = false;  // y depends on parameters
    // Buffers of gradients: of y, of x and, for fork and add, of the other value; none: nobody asks for it.
    int dy = none, dx = none, other_dy = none;
  };
  class Buffers;

  void place_values(Buffers& buffers);
  void place_gradients(Buffers& buffers);
  const Tensor& value(int node, const Tensor& x) const {
    return node == none ? x : nodes_[static_cast<size_t>(node)].y;
  }
  const Tensor& run(const Network& network, const Tensor& x, const Step& step, bool training);
  Scalar* gradient(int buffer) { return buffers_[static_cast<size_t>(buffer)].data(); }

  int64_t max_batch_;
  Mode mode_;
  int64_t part_;  // images that go through the layers together
  std::vector<Node> nodes_;
  std::vector<Tensor> buffers_;  // inference: values; training: gradients
  Tensor logits_gradient_;
  Tensor logits_;  // inference in parts: of all images
};

}  // namespace mudra
