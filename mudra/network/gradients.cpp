#include "mudra/network/gradients.h"

#include "mudra/network/plan.h"

namespace mudra {

LossGradients loss_gradients(const Network& network, const Tensor& x, std::span<const int32_t> labels,
                             int64_t classes, ThreadTeam& team, size_t frozen) {
  const int64_t images = x.shape()[0];
  Plan plan(network, images, Plan::Mode::train, {.frozen = frozen});
  Loss loss(classes, images);
  LossGradients found{{}, network};
  found.loss = loss(plan.forward(network, x, Context{team}), labels, plan.logits_gradient());
  plan.backward(network, x, found.gradients, Context{team});
  return found;
}

}  // namespace mudra
