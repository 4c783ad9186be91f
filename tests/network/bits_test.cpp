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
  Plan plan(network, batch, Plan::Mode::train, {fuse});
  Loss loss(classes, batch);
  constexpr Scalar rate = static_cast<Scalar>(0.02);
  std::vector<Scalar> all;
  for (int64_t s = 0; s < 3; ++s) {
    const Tensor x = some_images(s == 1 ? 6 : batch);
    std::vector<int32_t> labels;
    for (int64_t n = 0; n < x.shape()[0]; ++n) labels.push_back(static_cast<int32_t>((n + s) % classes));
    const Context context{team, 9, 1, s * batch};
    const Tensor& logits = plan.forward(network, x, context);
    append(all, logits.values());
    loss(logits, labels, plan.logits_gradient());
    if (fuse) {
      plan.descend(network, x, rate, context);
    } else {
      plan.backward(network, x, gradients, context);
      auto weights = network.parameters();
      auto all_gradients = gradients.parameters();
      for (size_t i = 0; i < weights.size(); ++i) {
        if (!weights[i].trained) continue;
        const Tensor& gradient = *all_gradients[i].parameter.tensor;
        descend(rate, gradient.data(), gradient.size(), weights[i].parameter.tensor->data());
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
    append(expected, whole.infer(network, x, Context{single}).values());
    for (const int threads : {1, 2, 3, 4, 8}) {
      ThreadTeam team(threads);
      for (const bool fuse : {true, false}) {
        Plan plan(network, batch, Plan::Mode::infer, {fuse});
        std::vector<Scalar> found;
        append(found, plan.infer(network, x, Context{team}).values());
        EXPECT_TRUE(same_bits(found, expected)) << threads << " threads, fuse " << fuse;
        found.clear();
        for (int64_t n = 0; n < batch; ++n) {
          const Tensor one = Tensor::borrow(x.data() + n * x.shape().per_example(), one_image);
          append(found, plan.infer(network, one, Context{team}).values());
        }
        EXPECT_TRUE(same_bits(found, expected)) << "alone, " << threads << " threads, fuse " << fuse;
      }
    }
  }
}

// 64-bit FNV-1a of floats as they lie in memory, http://www.isthe.com/chongo/tech/comp/fnv
uint64_t fnv1a(uint64_t hash, std::span<const Scalar> values) {
  for (const Scalar value : values) {
    const float single = static_cast<float>(value);
    unsigned char bytes[sizeof single];
    std::memcpy(bytes, &single, sizeof single);
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211U;
  }
  return hash;
}

// The gradients of a value that several ways of nested blocks read are added two by two, in the order of the
// blocks: weights trained by version 0.1.0 of the command, which did so with a stack.
TEST(Network, GradientsOfNestedBlocksAreAddedInTheOrderOfVersion010) {
  if (sizeof(Scalar) == 8 || !is_fused(hwy::SupportedTargets() & -hwy::SupportedTargets())) {
    GTEST_SKIP() << "the stored bits are of single precision with fused multiply-add";
  }
  const std::pair<const char*, uint64_t> cases[] = {
      {"conv 4 3x3, residual(residual(conv 4 3x3, relu)), pool 4, dense 5, relu", 0x2cbe4dbda6803904U},
      {"conv 4 3x3, residual(conv 4 3x3, relu | residual(conv 4 3x3, tanh)), pool 4, dense 5, relu",
       0x4708174e7574e8d1U},
      {"conv 4 3x3, residual(residual(conv 4 3x3 | residual(relu)) | residual(residual(conv 4 1x1, "
       "batch-norm) | conv 4 1x1)), relu, pool 4",
       0x7e3a662393f43d45U},
      {"residual(residual(conv 2 3x3, relu) | residual(conv 2 1x1)), pool 4, dense 6, "
       "residual(residual(residual(dense 6, tanh)))",
       0xf6ebd09e4374536dU}};
  const Tensor x = some_images(batch);
  for (const auto& [line, expected] : cases) {
    SCOPED_TRACE(line);
    Network network = Network::parse(line, one_image, classes);
    network.initialize(Initialization::he, 3);
    ThreadTeam team(2);
    Plan plan(network, batch, Plan::Mode::train);
    Loss loss(classes, batch);
    for (int64_t s = 0; s < 3; ++s) {
      std::vector<int32_t> labels;
      for (int64_t n = 0; n < batch; ++n) labels.push_back(static_cast<int32_t>((n + s) % classes));
      const Context context{team, 9, 1, s * batch};
      loss(plan.forward(network, x, context), labels, plan.logits_gradient());
      plan.descend(network, x, static_cast<Scalar>(0.05), context);
      plan.update_state(network);
    }
    uint64_t found = 14695981039346656037U;
    for (const Network::Named& named : network.parameters()) {
      found = fnv1a(found, named.parameter.tensor->values());
    }
    EXPECT_EQ(found, expected);
  }
}

// The first layers stay to the bit, running statistics included; the others learn as on the values that the
// first ones answer with.
TEST(Network, FrozenLayersStayAndTheOthersLearnFromTheirAnswers) {
  const std::string front = "conv 4 3x3, batch-norm, relu, dropout 0.5, pool 4, flatten";
  const std::string back = "dense 6, batch-norm, tanh, residual(dense 6, relu)";
  constexpr size_t frozen = 6;
  const Tensor x = some_images(batch);
  std::vector<int32_t> labels;
  for (int64_t n = 0; n < batch; ++n) labels.push_back(static_cast<int32_t>(n % classes));
  Network whole = Network::parse(front + ", " + back, one_image, classes);
  whole.initialize(Initialization::he, 3);
  ThreadTeam team(2);
  const auto step = [&](Network& network, const Tensor& images, const PlanOptions& options) {
    Plan plan(network, batch, Plan::Mode::train, options);
    Loss loss(classes, batch);
    const Context context{team};
    loss(plan.forward(network, images, context), labels, plan.logits_gradient());
    plan.descend(network, images, static_cast<Scalar>(0.05), context);
    plan.update_state(network);
  };
  Plan answers(whole, batch, Plan::Mode::explain);
  answers.forward(whole, x, Context{team});
  const Tensor features = answers.value(frozen - 1);
  Network alone = whole;
  alone.input = Shape{1, features.shape()[1]};
  alone.layers.erase(alone.layers.begin(), alone.layers.begin() + frozen);
  const Network before = whole;
  for (const bool fuse : {true, false}) {
    Network trained = before, expected = alone;
    step(trained, x, {fuse, frozen});
    step(expected, features, {fuse});
    const auto found = trained.parameters(), other = expected.parameters();
    const auto first = before.parameters();
    const size_t fixed = found.size() - other.size();
    ASSERT_EQ(fixed, 6U);
    for (size_t i = 0; i < found.size(); ++i) {
      const auto values = to_file_order(found[i].parameter);
      EXPECT_EQ(values == to_file_order(first[i].parameter), i < fixed) << found[i].name;
      if (i < fixed) continue;
      EXPECT_EQ(values, to_file_order(other[i - fixed].parameter)) << found[i].name;
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
