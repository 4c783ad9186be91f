// Everything about running a network that is settled once: shapes, buffers, fusions. Nothing is allocated
// after construction. One plan per thread of execution; the network itself is never changed by running it.
#pragma once

#include <any>
#include <vector>

#include "mudra/network/network.h"

namespace mudra {

class Plan {
 public:
  enum class Mode { infer, train };
  // With fuse = false every layer runs by itself and gradients are always stored: the same bits, slower.
  Plan(const Network& network, int64_t max_batch, Mode mode, bool fuse = true);

  int64_t max_batch() const { return max_batch_; }

  // Logits [N, outputs] of images x [N, H, W, C], N <= max_batch; they live until the next call.
  const Tensor& infer(const Network& network, const Tensor& x, const Step& step);
  const Tensor& forward(const Network& network, const Tensor& x, const Step& step);

  // Where the loss puts its gradient, [N, outputs], after forward().
  Tensor& logits_gradient();
  // The gradients of all parameters into `gradients`, a copy of the network. With step.sink.descend, pass the
  // network itself: its weights go down the slope at once.
  void backward(const Network& network, const Tensor& x, Network& gradients, const Step& step);
  // Running statistics of `network` follow the batch last given to forward(); `share` is the batch's weight.
  // Shares of 1, 1/2, 1/3, ... make them the mean over so many batches.
  void update_state(Network& network, double share = BatchNorm::momentum) const;

 private:
  struct Node {
    size_t layer = 0;                                  // index into network.layers
    ActivationKind activation = ActivationKind::none;  // of the layer after it, done at once
    ActivationKind derivative = ActivationKind::none;  // to apply to dy first, from y
    Shape shape;                                       // of y, for max_batch examples
    Tensor y;
    std::any saved;
    bool is_view = false;   // y is x, reshaped
    bool needs_dx = false;  // parameters stand before it
  };

  const Tensor& run(const Network& network, const Tensor& x, const Step& step, bool training);

  int64_t max_batch_;
  bool fuse_;
  std::vector<Node> nodes_;
  Tensor activations_[2];  // inference: x and y of a node, in turn
  Tensor gradients_[2];    // training: dy and dx of a node, in turn
};

}  // namespace mudra
