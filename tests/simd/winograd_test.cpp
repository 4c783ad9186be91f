// Winograd's convolution beside the plain sum of plain.h on every instruction set; pooled at once beside
// pooled afterwards.
#include "mudra/simd/winograd.h"

#include "mudra/simd/plain.h"
#include "tests/simd/kernel_test.h"

namespace mudra {
namespace {

struct Case {
  ConvShape shape;
  ActivationKind activation;
};

// Sizes without a border, as the kernel sees them.
ConvShape sizes(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t outputs) {
  return {images, height, width, channels, 3, 3, 1, 0, 0, height - 2, width - 2, outputs};
}

const std::vector<Case> cases = {{sizes(3, 16, 16, 16, 32), ActivationKind::relu},
                                 {sizes(2, 9, 12, 32, 16), ActivationKind::none},
                                 {sizes(1, 8, 9, 48, 70), ActivationKind::tanh},
                                 {sizes(9, 7, 7, 16, 5), ActivationKind::relu},
                                 {sizes(1, 8, 8, 256, 17), ActivationKind::sigmoid}};

struct Convolution {
  Tensor x, w, bias;  // w in panels
  explicit Convolution(const ConvShape& s)
      : x(random_tensor({s.images, s.height, s.width, s.channels}, 1, 0.7)),
        w(random_panels(9 * s.channels, s.outputs, 2)),
        bias(random_tensor({s.outputs}, 3)) {}
  Tensor run(const ConvShape& s, ActivationKind activation, int threads, Tensor* argmax = nullptr) const {
    ThreadTeam team(threads);
    Tensor scratch = unwritten({winograd_scratch(s)});
    const int64_t factor = argmax ? 2 : 1;
    Tensor y = unwritten({s.images, s.out_height / factor, s.out_width / factor, s.outputs});
    if (argmax) *argmax = unwritten(y.shape());
    winograd(team, s, x.data(), w.data(), bias.data(), activation, scratch.data(), argmax != nullptr,
             y.data(), argmax ? argmax->data() : nullptr);
    return y;
  }
};

Tensor absolute(Tensor tensor) {
  for (Scalar& value : tensor.values()) value = std::abs(value);
  return tensor;
}

// Both sums round by a few epsilons of the sum of their terms' sizes (the transforms about double the plain
// sum's error); no activation here is steeper than 1 or errs by more than 4 units.
TEST(Winograd, IsThePlainSumUpToRounding) {
  for_each_target([](int64_t) {
    for (const auto& [s, activation] : cases) {
      ASSERT_TRUE(winograd_pays(s));
      const Convolution conv(s);
      const Tensor y = conv.run(s, activation, 1);
      Tensor expected = unwritten(y.shape()), magnitude = expected;
      plain::convolution(s, conv.x.data(), conv.w.data(), conv.bias.data(), expected.data());
      plain::convolution(s, absolute(conv.x).data(), absolute(conv.w).data(), absolute(conv.bias).data(),
                         magnitude.data());
      activate(activation, expected.data(), expected.size(), expected.data());
      expect_near(y, expected,
                  [&](int64_t i) { return epsilon * (4 + 2 * static_cast<double>(magnitude[i])); });
    }
  });
}

TEST(Winograd, PoolsAtOnceAsAfterwards) {
  for_each_target([](int64_t) {
    for (const auto& [s, activation] : cases) {
      if (s.outputs % panel_width != 0) continue;
      const Convolution conv(s);
      const Tensor whole = conv.run(s, activation, 1);
      Tensor argmax;
      const Tensor pooled = conv.run(s, activation, 2, &argmax);
      Tensor expected = unwritten(pooled.shape()), expected_argmax = expected;
      const PoolShape pool{s.out_height, s.out_width, s.outputs, 2, 2, 2, s.out_height / 2, s.out_width / 2};
      for (int64_t n = 0; n < s.images; ++n) {
        plain::max_pool(pool, whole.data() + n * pool.x_size(), expected.data() + n * pool.y_size(),
                        expected_argmax.data() + n * pool.y_size());
      }
      expect_same_bits(pooled, expected);
      expect_same_bits(argmax, expected_argmax);
    }
  });
}

TEST(Winograd, BitsDependOnThePatchAlone) {
  for_each_target([](int64_t) {
    for (const auto& [s, activation] : cases) {
      const Convolution conv(s);
      const Tensor all = conv.run(s, activation, 1);
      for (const int threads : {2, 3, 8}) expect_same_bits(conv.run(s, activation, threads), all);
      ConvShape one = s;  // the last image alone
      one.images = 1;
      Convolution alone = conv;
      alone.x = Tensor({1, s.height, s.width, s.channels});
      std::copy_n(conv.x.data() + conv.x.size() - alone.x.size(), alone.x.size(), alone.x.data());
      const Tensor last = alone.run(one, activation, 1);
      for (int64_t i = 0; i < last.size(); ++i) ASSERT_EQ(last[i], all[all.size() - last.size() + i]);
    }
  });
}

TEST(Winograd, NoticesWeightsThatAreNoNumbers) {
  const ConvShape& s = cases[0].shape;
  Convolution conv(s);
  conv.w[panel_index(40, 3, 9 * s.channels)] = std::numeric_limits<Scalar>::infinity();
  const Tensor y = conv.run(s, ActivationKind::none, 1);
  int64_t finite = 0;
  for (int64_t i = 3; i < y.size(); i += s.outputs) finite += std::isfinite(y[i]);
  EXPECT_EQ(finite, 0);
}

}  // namespace
}  // namespace mudra
