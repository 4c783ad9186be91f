// Mode::explain: gradients of the images, and the values inside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mudra/network/plan.h"
#include "tests/network/architectures.h"

namespace mudra {
namespace {

constexpr bool is_double = sizeof(Scalar) == 8;

// Running statistics as after training, and parameters that are not what they begin with.
void unsettle(Network& network, Rng& rng) {
  network.initialize(Initialization::he, 3);
  for (const Network::Named& named : network.parameters()) {
    const bool is_norm = named.trained && named.parameter.decay == Decay::no;
    if (named.trained && !is_norm) continue;
    std::vector<Scalar> values = to_file_order(named.parameter);
    for (Scalar& value : values) value = static_cast<Scalar>(rng.uniform(0.5, 2));
    from_file_order(named.parameter, values);
  }
}

// With y = (x - m) w / sqrt(v + eps) + b, relu and a dense layer, by hand for one pixel of two channels.
TEST(Explain, BatchNormIsALineWithItsRunningStatistics) {
  Network network = Network::parse("dropout 0.5, batch-norm, relu", {1, 1, 1, 2}, 1);
  auto& norm = std::get<BatchNorm>(network.layers[1]);
  const double mean[] = {0.5, 0.25}, variance[] = {4, 0.25}, weight[] = {3, -2}, dense[] = {1.5, 0.5};
  for (int64_t c = 0; c < 2; ++c) {
    norm.state.mean[c] = static_cast<Scalar>(mean[c]);
    norm.state.variance[c] = static_cast<Scalar>(variance[c]);
    norm.parameters.weight[c] = static_cast<Scalar>(weight[c]);
    norm.parameters.bias[c] = 1;
  }
  from_file_order(network.parameters()[4].parameter,
                  {static_cast<Scalar>(dense[0]), static_cast<Scalar>(dense[1])});
  Tensor x({1, 1, 1, 2});
  x[0] = 1;             // 3 (1 - 0.5) / 2 + 1 > 0
  x[1] = Scalar{0.75};  // -2 (0.75 - 0.25) / 0.5 + 1 < 0: relu lets nothing through
  ThreadTeam team(1);
  Plan plan(network, 1, Plan::Mode::explain);
  plan.forward(network, x, Context{team});
  EXPECT_NEAR(plan.value(1)[0], 1.75, 1e-5);
  EXPECT_NEAR(plan.value(1)[1], -1, 1e-4) << "before relu";
  EXPECT_EQ(plan.value(2)[1], 0);
  plan.logits_gradient().fill(1);
  const Tensor& dx = plan.input_gradient(network, x, Context{team});
  ASSERT_EQ(dx.shape(), x.shape());
  EXPECT_NEAR(dx[0], dense[0] * weight[0] / std::sqrt(variance[0] + 1e-5), 1e-5);
  EXPECT_EQ(dx[1], 0);
}

// In double precision over every network of the tests. At a kink (relu, the maximum of a window) the two
// sides differ, and a central difference is neither: nearly all pixels, not all, are asked to agree.
TEST(Explain, InputGradientMatchesCentralDifferences) {
  if (!is_double) GTEST_SKIP() << "differences need double precision";
  constexpr double step = 1e-6;
  constexpr int64_t images = 2;
  for (const std::string& line : architectures()) {
    SCOPED_TRACE(line);
    Rng rng(5, Purpose::test);
    Network network = Network::parse(line + ", dropout 0.2", {1, 20, 28, 2}, 3);
    unsettle(network, rng);
    Tensor x({images, 20, 28, 2}), upstream({images, 3});
    for (Scalar& value : x.values()) value = static_cast<Scalar>(rng.uniform());
    for (Scalar& value : upstream.values()) value = static_cast<Scalar>(rng.uniform(-1, 1));
    ThreadTeam team(2);
    Plan answers(network, images, Plan::Mode::infer), plan(network, images, Plan::Mode::explain);
    const auto weighted = [&] {
      const Tensor& logits = answers.infer(network, x, Context{team});
      double sum = 0;
      for (int64_t i = 0; i < logits.size(); ++i) sum += static_cast<double>(logits[i] * upstream[i]);
      return sum;
    };
    plan.forward(network, x, Context{team});
    std::ranges::copy(upstream.values(), plan.logits_gradient().data());
    const Tensor dx = plan.input_gradient(network, x, Context{team});
    double largest = 0;
    for (const Scalar value : dx.values()) largest = std::max(largest, std::fabs(static_cast<double>(value)));
    EXPECT_GT(largest, 0);
    int64_t tried = 0, wrong = 0;
    for (int64_t i = 0; i < x.size(); i += 37, ++tried) {
      const Scalar kept = x[i];
      x[i] = static_cast<Scalar>(static_cast<double>(kept) + step);
      const double above = weighted();
      x[i] = static_cast<Scalar>(static_cast<double>(kept) - step);
      const double slope = (above - weighted()) / (2 * step);
      x[i] = kept;
      wrong += !(std::fabs(static_cast<double>(dx[i]) - slope) <= 1e-6 * std::max(1.0, largest));
    }
    EXPECT_GE(tried, 60);
    EXPECT_LE(wrong, 1) << "of " << tried;
  }
}

TEST(Explain, AnswersAreTheBitsOfInference) {
  for (const std::string& line : architectures()) {
    SCOPED_TRACE(line);
    Rng rng(6, Purpose::test);
    Network network = Network::parse(line + ", dropout 0.2", {1, 20, 28, 2}, 3);
    unsettle(network, rng);
    Tensor x({3, 20, 28, 2});
    for (Scalar& value : x.values()) value = static_cast<Scalar>(rng.uniform());
    ThreadTeam team(2);
    Plan answers(network, 3, Plan::Mode::infer), plan(network, 3, Plan::Mode::explain);
    const Tensor& expected = answers.infer(network, x, Context{team});
    const Tensor& found = plan.forward(network, x, Context{team});
    for (int64_t i = 0; i < expected.size(); ++i) ASSERT_EQ(found[i], expected[i]);
    const Tensor& last = plan.value(network.layers.size() - 1);
    for (int64_t i = 0; i < expected.size(); ++i) ASSERT_EQ(last[i], expected[i]);
  }
}

}  // namespace
}  // namespace mudra
