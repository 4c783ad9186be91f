// A convolution that skips the zeros of dy gives the bits of one that multiplies them.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "mudra/layers/conv2d.h"

namespace mudra {
namespace {

void fill(Tensor& tensor, double share, Rng& rng) {
  for (Scalar& value : tensor.values()) {
    value = rng.chance(share) ? static_cast<Scalar>(rng.uniform(-1, 1)) : Scalar{0};
  }
}

struct Gradients {
  Tensor dx;
  Conv2d::Parameters grad;
};

Gradients backward(const Conv2d& conv, const Tensor& x, const Tensor& dy, bool skip, int threads,
                   bool wants_dx) {
  ThreadTeam team(threads);
  const Context context{team};
  auto saved = conv.make_saved(x.shape(), Mode::train);
  EXPECT_TRUE(saved.sparse.data());
  if (!skip) saved.sparse = Tensor();
  Tensor y(conv.output_shape(x.shape()));
  conv.forward(x, y, saved, context);
  Gradients result{wants_dx ? Tensor(x.shape()) : Tensor(), conv.parameters};
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  if (wants_dx) result.dx.fill(nan);
  for (Tensor* tensor : {&result.grad.weight, &result.grad.bias}) tensor->fill(nan);
  conv.backward(x, y, saved, dy, result.dx, context);
  conv.gradients(x, y, saved, dy, result.grad, {}, context);
  return result;
}

void expect_same_bits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.size(), b.size());
  for (int64_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(std::isfinite(a[i])) << i;
    ASSERT_EQ(a[i], b[i]) << i;
    ASSERT_EQ(std::signbit(a[i]), std::signbit(b[i])) << i;
  }
}

TEST(SparseConv, SkippingZerosKeepsTheBits) {
  const std::vector<std::pair<Conv2d::Geometry, Shape>> cases = {
      {{16, 32, 3, 3, 1, 1, 1}, {9, 7, 6, 16}},  {{32, 5, 3, 3, 1, 1, 1}, {2, 5, 8, 32}},
      {{16, 40, 5, 4, 1, 2, 1}, {3, 9, 7, 16}},  {{16, 17, 3, 3, 2, 1, 1}, {5, 8, 9, 16}},
      {{48, 70, 1, 1, 1, 0, 0}, {11, 3, 4, 48}}, {{16, 16, 2, 3, 1, 0, 1}, {4, 12, 12, 16}}};
  for (const auto& [geometry, input] : cases) {
    Rng rng(3, Purpose::test);
    Conv2d conv(geometry);
    conv.initialize(Initialization::normal, rng);
    Tensor x(input);
    fill(x, 0.8, rng);
    Tensor dy(conv.output_shape(input));
    fill(dy, 0.2, rng);
    const Gradients dense = backward(conv, x, dy, false, 1, true);
    for (const int threads : {1, 3}) {
      const Gradients sparse = backward(conv, x, dy, true, threads, true);
      expect_same_bits(sparse.dx, dense.dx);
      expect_same_bits(sparse.grad.weight, dense.grad.weight);
      expect_same_bits(sparse.grad.bias, dense.grad.bias);
    }
    expect_same_bits(backward(conv, x, dy, true, 2, false).grad.weight, dense.grad.weight);
  }
}

}  // namespace
}  // namespace mudra
