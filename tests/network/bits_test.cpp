// The same bits for any number of threads, fused or plain, an image alone or in a batch.
#include <gtest/gtest.h>

#include <cstring>

#include "mudra/network/loss.h"
#include "mudra/network/plan.h"
#include "mudra/simd/updates.h"
#include "tests/network/architectures.h"
#include "tests/targets.h"

namespace mudra {
namespace {

constexpr int64_t classes = 4, batch = 19;
const Shape one_image = {1, 20, 28, 2};

Network network_of(const std::string& line) {
  Network network = Network::parse(line + ", dropout 0.2", one_image, classes);
  network.initialize(Initialization::he, 3);
  return network;
}

Tensor some_images(int64_t count) {
  Tensor x({count, 20, 28, 2});
  Rng rng(5, Purpose::test);
  for (Scalar& value : x.values()) value = rng.chance(0.3) ? 0 : static_cast<Scalar>(rng.uniform());
  return x;
}

void append(std::vector<Scalar>& all, std::span<const Scalar> values) {
  all.insert(all.end(), values.begin(), values.end());
}

bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

// Everything three steps of SGD leave behind, the second on fewer images.
std::vector<Scalar> train(const std::string& line, int threads, bool fuse) {
  Network network = network_of(line);
  Network gradients = network;
  ThreadTeam team(threads);
  Plan plan(network, batch, Plan::Mode::train, fuse);
  Loss loss(classes, batch);
  constexpr Scalar rate = static_cast<Scalar>(0.02);
  std::vector<Scalar> all;
  for (int64_t s = 0; s < 3; ++s) {
    const Tensor x = some_images(s == 1 ? 6 : batch);
    std::vector<int32_t> labels;
    for (int64_t n = 0; n < x.shape()[0]; ++n) labels.push_back(static_cast<int32_t>((n + s) % classes));
    Step step{team, 9, 1, s * batch};
    if (fuse) step.sink = GradientSink::descend(rate);
    const Tensor& logits = plan.forward(network, x, step);
    append(all, logits.values());
    loss(logits, labels, plan.logits_gradient());
    plan.backward(network, x, fuse ? network : gradients, step);
    if (!fuse) {
      auto weights = network.parameters();
      auto slopes = gradients.parameters();
      for (size_t i = 0; i < weights.size(); ++i) {
        if (!weights[i].trained) continue;
        const Tensor& slope = *slopes[i].parameter.tensor;
        descend(rate, slope.data(), slope.size(), weights[i].parameter.tensor->data());
      }
    }
    plan.update_state(network);
  }
  for (const Network::Named& named : network.parameters()) append(all, named.parameter.tensor->values());
  for (const Scalar value : all) EXPECT_TRUE(value == value) << "a NaN";
  return all;
}

TEST(Network, TrainingHasTheSameBitsForAnyThreadsFusedOrPlain) {
  for (const std::string& line : architectures()) {
    SCOPED_TRACE(line);
    const std::vector<Scalar> expected = train(line, 1, true);
    for (const int threads : {2, 3, 4, 8}) {
      EXPECT_TRUE(same_bits(train(line, threads, true), expected)) << threads << " threads";
    }
    for (const int threads : {1, 2, 3, 4, 8}) {
      EXPECT_TRUE(same_bits(train(line, threads, false), expected)) << "plain, " << threads << " threads";
    }
  }
}

TEST(Network, AnImageHasTheSameAnswerAloneInABatchForAnyThreadsFusedOrPlain) {
  for (const std::string& line : architectures()) {
    SCOPED_TRACE(line);
    const Network network = network_of(line);
    const Tensor x = some_images(batch);
    ThreadTeam single(1);
    Plan whole(network, batch, Plan::Mode::infer);
    std::vector<Scalar> expected;
    append(expected, whole.infer(network, x, Step{single}).values());
    for (const int threads : {1, 2, 3, 4, 8}) {
      ThreadTeam team(threads);
      for (const bool fuse : {true, false}) {
        Plan plan(network, batch, Plan::Mode::infer, fuse);
        std::vector<Scalar> found;
        append(found, plan.infer(network, x, Step{team}).values());
        EXPECT_TRUE(same_bits(found, expected)) << threads << " threads, fuse " << fuse;
        found.clear();
        for (int64_t n = 0; n < batch; ++n) {
          const Tensor one =
              Tensor::borrow(const_cast<Scalar*>(x.data()) + n * x.shape().per_example(), one_image);
          append(found, plan.infer(network, one, Step{team}).values());
        }
        EXPECT_TRUE(same_bits(found, expected)) << "alone, " << threads << " threads, fuse " << fuse;
      }
    }
  }
}

// Training and answers of every layer and loss, and the updates of every optimizer.
TEST(Network, EveryInstructionSetGivesTheSameBits) {
  int64_t tried = 0;
  for (const std::string& line : architectures()) {
    SCOPED_TRACE(line);
    std::vector<Scalar> expected;
    for_each_target([&](int64_t target) {
      const std::vector<Scalar> found = train(line, 1, true);
      if (expected.empty()) expected = found;
      tried |= target;
      if (is_fused(target)) {
        EXPECT_TRUE(same_bits(found, expected)) << hwy::TargetName(target);
        return;
      }
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_NEAR(found[i], expected[i], 2e-4 * std::max(Scalar{1}, std::abs(expected[i])))
            << hwy::TargetName(target) << " at " << i;
      }
    });
  }
  if ((tried & (tried - 1)) == 0) GTEST_SKIP() << "this machine or build has one instruction set only";
}

TEST(Updates, EveryInstructionSetGivesTheSameBits) {
  constexpr size_t count = 37;
  std::vector<Scalar> expected;
  for_each_target([&](int64_t target) {
    Rng rng(2, Purpose::test);
    std::vector<Scalar> gradient(count), weights(count), first(count), second(count), found;
    for (std::vector<Scalar>* values : {&gradient, &weights, &first, &second}) {
      for (Scalar& value : *values) value = static_cast<Scalar>(rng.uniform());
    }
    const auto scalar = [](double value) { return static_cast<Scalar>(value); };
    descend(scalar(0.1), gradient.data(), count, weights.data());
    append(found, weights);
    for (const bool nesterov : {false, true}) {
      momentum_step({scalar(0.1), scalar(0.9), scalar(0.01), nesterov}, gradient.data(), count, first.data(),
                    weights.data());
      append(found, weights);
    }
    for (const bool decoupled : {false, true}) {
      adam_step({scalar(0.01), scalar(0.9), scalar(0.999), scalar(1e-8), scalar(1.5), scalar(1.2),
                 scalar(0.01), decoupled},
                gradient.data(), count, first.data(), second.data(), weights.data());
      append(found, weights);
    }
    if (expected.empty()) expected = found;
    if (is_fused(target)) {
      EXPECT_TRUE(same_bits(found, expected)) << hwy::TargetName(target);
      return;
    }
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << i;
  });
}

}  // namespace
}  // namespace mudra
