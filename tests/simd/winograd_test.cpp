// Winograd's convolution beside the plain sum, taken in double; pooled at once beside pooled afterwards.
#include "mudra/simd/winograd.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mudra/layers/conv2d.h"
#include "mudra/simd/panels.h"
#include "mudra/simd/pool.h"

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
      : x({s.images, s.height, s.width, s.channels}),
        w({panel_count(s.outputs), 9 * s.channels, panel_width}),
        bias({s.outputs}) {
    Rng rng(7, Purpose::test);
    for (Scalar& value : x.values()) value = rng.chance(0.3) ? 0 : static_cast<Scalar>(rng.uniform(-1, 1));
    for (int64_t o = 0; o < s.outputs; ++o) {
      for (int64_t k = 0; k < 9 * s.channels; ++k) {
        w[panel_index(k, o, 9 * s.channels)] = static_cast<Scalar>(rng.uniform(-1, 1));
      }
      bias[o] = static_cast<Scalar>(rng.uniform(-1, 1));
    }
  }
  Tensor run(const ConvShape& s, ActivationKind activation, int threads, Tensor* winner = nullptr) const {
    ThreadTeam team(threads);
    Tensor scratch({winograd_scratch(s)});
    const int64_t factor = winner ? 2 : 1;
    Tensor y({s.images, s.out_height / factor, s.out_width / factor, s.outputs});
    y.fill(std::numeric_limits<Scalar>::quiet_NaN());
    if (winner) *winner = Tensor(y.shape());
    winograd(team, s, x.data(), w.data(), bias.data(), activation, scratch.data(), winner != nullptr,
             y.data(), winner ? winner->data() : nullptr);
    return y;
  }
};

double function(ActivationKind kind, double x) {
  if (kind == ActivationKind::relu) return std::max(0.0, x);
  if (kind == ActivationKind::tanh) return std::tanh(x);
  if (kind == ActivationKind::sigmoid) return 1 / (1 + std::exp(-x));
  return x;
}

TEST(Winograd, GivesTheSum) {
  for (const auto& [s, activation] : cases) {
    ASSERT_TRUE(winograd_pays(s));
    const Convolution conv(s);
    const Tensor y = conv.run(s, activation, 1);
    int64_t at = 0;
    for (int64_t n = 0; n < s.images; ++n) {
      for (int64_t i = 0; i < s.out_height; ++i) {
        for (int64_t j = 0; j < s.out_width; ++j) {
          for (int64_t o = 0; o < s.outputs; ++o, ++at) {
            double sum = static_cast<double>(conv.bias[o]), size = std::abs(sum);
            for (int64_t u = 0; u < 3; ++u) {
              for (int64_t v = 0; v < 3; ++v) {
                for (int64_t c = 0; c < s.channels; ++c) {
                  const double term =
                      static_cast<double>(
                          conv.x[((n * s.height + i + u) * s.width + j + v) * s.channels + c]) *
                      static_cast<double>(
                          conv.w[panel_index((u * 3 + v) * s.channels + c, o, 9 * s.channels)]);
                  sum += term;
                  size += std::abs(term);
                }
              }
            }
            const double epsilon = static_cast<double>(std::numeric_limits<Scalar>::epsilon());
            ASSERT_NEAR(static_cast<double>(y[at]), function(activation, sum),
                        2 * epsilon * size + 1e-6 * (sizeof(Scalar) == 4))
                << s.height << "x" << s.width << "x" << s.channels << ", value " << at;
          }
        }
      }
    }
  }
}

TEST(Winograd, PoolsAtOnceAsAfterwards) {
  for (const auto& [s, activation] : cases) {
    if (s.outputs % panel_width != 0) continue;
    const Convolution conv(s);
    const Tensor whole = conv.run(s, activation, 1);
    Tensor winner;
    const Tensor pooled = conv.run(s, activation, 2, &winner);
    Tensor expected(pooled.shape()), expected_winner(pooled.shape());
    const PoolShape pool{s.out_height, s.out_width, s.outputs, 2, 2, 2, s.out_height / 2, s.out_width / 2};
    for (int64_t n = 0; n < s.images; ++n) {
      max_pool(pool, whole.data() + n * pool.x_size(), expected.data() + n * pool.y_size(),
               expected_winner.data() + n * pool.y_size());
    }
    for (int64_t i = 0; i < pooled.size(); ++i) {
      ASSERT_EQ(pooled[i], expected[i]) << i;
      ASSERT_EQ(winner[i], expected_winner[i]) << i;
    }
  }
}

TEST(Winograd, BitsDependOnThePatchAlone) {
  for (const auto& [s, activation] : cases) {
    const Convolution conv(s);
    const Tensor all = conv.run(s, activation, 1);
    for (const int threads : {2, 3, 8}) {
      const Tensor same = conv.run(s, activation, threads);
      for (int64_t i = 0; i < all.size(); ++i) ASSERT_EQ(same[i], all[i]);
    }
    ConvShape one = s;  // the last image alone
    one.images = 1;
    Convolution alone(one);
    std::copy_n(conv.x.data() + (s.images - 1) * alone.x.size(), alone.x.size(), alone.x.data());
    std::copy_n(conv.w.data(), conv.w.size(), alone.w.data());
    std::copy_n(conv.bias.data(), conv.bias.size(), alone.bias.data());
    const Tensor last = alone.run(one, activation, 1);
    for (int64_t i = 0; i < last.size(); ++i) ASSERT_EQ(last[i], all[all.size() - last.size() + i]);
  }
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
