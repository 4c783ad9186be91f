// The loss of a network with heads, against targets at every place.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mudra/core/tensor.h"
#include "mudra/network/heads.h"
#include "mudra/network/loss.h"

namespace mudra {

// With N images, P places, heads h of weight v_h, images' weights w_n and the weights u_nph of the targets:
//
//   L = Σ_n w_n Σ_h v_h Σ_p u_nph l_nph / (P N)
//
//   classes    l = softmax cross entropy of the head's K logits, with label smoothing
//   presence   l = mean over channels of max(z, 0) - z t + log(1 + exp(-|z|))
//   distance   l = mean over channels of Huber's distance, for r = z - t: r²/2, or |r| - 1/2 where |r| > 1
//
// A place of weight 0 costs nothing, whatever its values are. An object has scratch memory of its own: one
// for each thread.
class HeadsLoss {
 public:
  HeadsLoss(std::vector<Head> heads, int64_t places, int64_t max_batch, LossOptions options = {});

  // outputs [N, ..., channels of all heads] and targets [N, P, T] in which problem_of_targets() finds none.
  // Everything else is as in Loss: fills doutputs unless it is empty. `right`, `counted` and `answered` are
  // of the first head of classes, at places where its weight is above 0; without such a head nothing is
  // counted.
  BatchLoss operator()(const Tensor& outputs, const Tensor& targets, Tensor& doutputs,
                       std::span<const Scalar> weights = {}, const Shards& shards = {},
                       std::span<int64_t> answered = {});

 private:
  // Where a head's values are in those of a place.
  struct At {
    const Head& head;
    int64_t channel, target;
  };
  // Gathers the places that count of a head: their logits in logits_ [M, channels], `places_` says which.
  void gather(const At& at, const Tensor& outputs, const Tensor& targets);
  // Fill losses_ [M] and gradient_ [M, channels], of places that were gathered, with l and its gradient.
  void classes(const At& at, const Tensor& targets);
  void presence(const At& at, const Tensor& targets);
  void distance(const At& at, const Tensor& targets);
  void count(const At& at, const Tensor& targets, BatchLoss& result, std::span<int64_t> answered) const;
  // Adds v u l / P to the images' losses and puts the gradients where they belong.
  void scatter(const At& at, const Tensor& targets, std::span<const Scalar> weights, Scalar batch_size,
               Tensor& doutputs);
  const Scalar* target(const At& at, const Tensor& targets, size_t gathered) const {
    return targets.data() + places_[gathered] * target_values_ + at.target;
  }

  std::vector<Head> heads_;
  int64_t count_, channels_, target_values_;  // P, C, T
  LossOptions options_;
  std::vector<int64_t> places_;  // M, of all images'
  std::vector<double> losses_, example_losses_;
  Tensor logits_, values_, scratch_, gradient_;
};

}  // namespace mudra
