// A step of every optimiser moves each weight as plain.h does, on every instruction set.
#include "mudra/simd/updates.h"

#include "mudra/simd/add.h"
#include "mudra/simd/plain.h"
#include "tests/simd/kernel_test.h"

namespace mudra {
namespace {

constexpr int64_t count = 77;  // no multiple of a vector

// Values of [-1, 1): each of a few operations rounds once more without fused multiply-add.
void expect_same_step(int64_t target, const Tensor& actual, const Tensor& expected) {
  if (is_fused(target)) return expect_same_bits(actual, expected);
  expect_near(actual, expected, [](int64_t) { return 8 * epsilon; });
}

// Moments are averages of squares: never negative.
Tensor squares() {
  Tensor tensor = random_tensor({count}, 4);
  for (Scalar& value : tensor.values()) value *= value;
  return tensor;
}

TEST(Update, DescentIsPlain) {
  for_each_target([](int64_t target) {
    const Tensor gradient = random_tensor({count}, 1);
    Tensor weights = random_tensor({count}, 2), expected = weights;
    for (int64_t i = 0; i < count; ++i) plain::descend(Scalar{0.1f}, gradient[i], expected[i]);
    descend(Scalar{0.1f}, gradient.data(), count, weights.data());
    expect_same_step(target, weights, expected);
  });
}

TEST(Update, MomentumIsPlain) {
  for_each_target([](int64_t target) {
    for (const bool nesterov : {false, true}) {
      const Momentum m{Scalar{0.1f}, Scalar{0.9f}, Scalar{0.03f}, nesterov};
      const Tensor gradient = random_tensor({count}, 1);
      Tensor weights = random_tensor({count}, 2), velocity = random_tensor({count}, 3);
      Tensor expected = weights, expected_velocity = velocity;
      for (int64_t i = 0; i < count; ++i)
        plain::momentum_step(m, gradient[i], expected_velocity[i], expected[i]);
      momentum_step(m, gradient.data(), count, velocity.data(), weights.data());
      expect_same_step(target, velocity, expected_velocity);
      expect_same_step(target, weights, expected);
    }
  });
}

TEST(Update, AdamIsPlain) {
  for_each_target([](int64_t target) {
    for (const bool decoupled : {false, true}) {
      const Adam a{Scalar{0.01f}, Scalar{0.9f},  Scalar{0.999f}, Scalar{1e-3f},
                   Scalar{2.5f},  Scalar{12.5f}, Scalar{0.03f},  decoupled};
      const Tensor gradient = random_tensor({count}, 1);
      Tensor weights = random_tensor({count}, 2), mean = random_tensor({count}, 3), square = squares();
      Tensor expected = weights, expected_mean = mean, expected_square = square;
      for (int64_t i = 0; i < count; ++i) {
        plain::adam_step(a, gradient[i], expected_mean[i], expected_square[i], expected[i]);
      }
      adam_step(a, gradient.data(), count, mean.data(), square.data(), weights.data());
      expect_same_step(target, mean, expected_mean);
      expect_same_step(target, square, expected_square);
      expect_same_step(target, weights, expected);
    }
  });
}

TEST(Add, AddsEveryPairOfValues) {
  for_each_target([](int64_t) {
    ThreadTeam team(2);
    const Tensor a = random_tensor({40003}, 1), b = random_tensor({40003}, 2);
    Tensor sum = unwritten(a.shape()), in_place = b;
    add(team, a.data(), b.data(), a.size(), sum.data());
    add(team, a.data(), in_place.data(), a.size(), in_place.data());
    for (int64_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(sum[i], a[i] + b[i]) << i;
      ASSERT_EQ(in_place[i], sum[i]) << i;
    }
  });
}

}  // namespace
}  // namespace mudra
