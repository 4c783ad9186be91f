#include "mudra/layers/global_pool.h"

#include "mudra/simd/normalize.h"

namespace mudra {

GlobalPool GlobalPool::parse(Words& words, const Shape& x) {
  if (x.rank() != 4) words.fail("input shape " + x.text() + " is no image: put it before `flatten`");
  return {};
}

Shape GlobalPool::output_shape(const Shape& x) const {
  if (x.rank() != 4) {
    throw Error("input shape " + x.text() + " is no image", "global-pool", "Put it before `flatten`");
  }
  return {x[0], x[3]};
}

void GlobalPool::infer(const Tensor& x, Tensor& y, Saved&, const Context& context) const {
  mean_of_rows(context.team, x.data(), PixelRows::of(x.shape()), y.data());
}

// dx = dy / (H W)
void GlobalPool::backward(const Pass& pass, Saved&, Tensor& dx) const {
  mean_of_rows_backward(pass.context.team, pass.dy.data(), PixelRows::of(pass.x.shape()), dx.data());
}

std::vector<LayerCase<GlobalPool>> GlobalPool::cases() { return {{{}, {4, 5, 2, 3}}, {{}, {2, 3, 4, 37}}}; }

}  // namespace mudra
