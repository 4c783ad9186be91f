// Activations and losses against the maths library in extended precision (plain.h), on every instruction set.
#include "mudra/simd/losses.h"
#include "mudra/simd/plain.h"
#include "tests/simd/kernel_test.h"

namespace mudra {
namespace {

const ActivationKind kinds[] = {ActivationKind::none, ActivationKind::sigmoid,    ActivationKind::tanh,
                                ActivationKind::relu, ActivationKind::leaky_relu, ActivationKind::gelu,
                                ActivationKind::silu, ActivationKind::hard_swish};

// -30, -29.963, ..., 30, in a number that is no multiple of any vector.
Tensor sweep() {
  Tensor x({1623});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<Scalar>(-30 + 0.037 * static_cast<double>(i));
  return x;
}

// exp is within 1 unit in the last place, tanh within 4, and each step after it rounds once, all relative to
// a value that is at most max(1, |x|): 8 units cover the longest formula.
double tolerance(Scalar x) { return 8 * epsilon * std::max(1.0, std::abs(static_cast<double>(x))); }

TEST(Activation, IsThatOfTheMathsLibrary) {
  for_each_target([](int64_t target) {
    const Tensor x = sweep();
    for (const ActivationKind kind : kinds) {
      Tensor y = unwritten(x.shape()), in_place = x;
      activate(kind, x.data(), x.size(), y.data());
      activate(kind, x.data(), x.size(), in_place.data());
      expect_same_bits(in_place, y);
      for (int64_t i = 0; i < x.size(); ++i) {
        const double expected = static_cast<double>(plain::activation(kind, static_cast<long double>(x[i])));
        ASSERT_NEAR(static_cast<double>(y[i]), expected, tolerance(x[i]))
            << "activation " << static_cast<int>(kind) << " of " << x[i] << " on " << hwy::TargetName(target);
      }
    }
  });
}

TEST(Activation, BackwardIsTheDerivative) {
  for_each_target([](int64_t target) {
    const Tensor x = sweep(), dy = random_tensor(x.shape(), 1);
    for (const ActivationKind kind : kinds) {
      Tensor y = unwritten(x.shape()), dx = y;
      for (int64_t i = 0; i < x.size(); ++i) {
        y[i] = static_cast<Scalar>(plain::activation(kind, static_cast<long double>(x[i])));
      }
      activate_backward(kind, derivative_from_output(kind) ? nullptr : x.data(), y.data(), dy.data(),
                        x.size(), dx.data());
      for (int64_t i = 0; i < x.size(); ++i) {
        const long double slope = plain::derivative(kind, static_cast<long double>(x[i]));
        ASSERT_NEAR(static_cast<double>(dx[i]), static_cast<double>(slope * static_cast<long double>(dy[i])),
                    tolerance(x[i]))
            << "activation " << static_cast<int>(kind) << " at " << x[i] << " on " << hwy::TargetName(target);
      }
    }
  });
}

TEST(Activation, HasTheSameBitsOnEveryInstructionSetWithFusedMultiplyAdd) {
  for (const ActivationKind kind : kinds) {
    const Tensor x = sweep();
    Tensor first;
    for_each_target([&](int64_t target) {
      if (!is_fused(target)) return;
      Tensor y = unwritten(x.shape());
      activate(kind, x.data(), x.size(), y.data());
      if (first.data()) expect_same_bits(y, first);
      first = y;
    });
  }
}

TEST(Activation, SigmoidHasSmallRelativeErrors) {
  for_each_target([](int64_t) {
    const Tensor x = sweep();
    Tensor y = unwritten(x.shape());
    activate(ActivationKind::sigmoid, x.data(), x.size(), y.data());
    for (int64_t i = 0; i < x.size(); ++i) {
      const long double expected = plain::activation(ActivationKind::sigmoid, static_cast<long double>(x[i]));
      ASSERT_NEAR(static_cast<double>(static_cast<long double>(y[i]) / expected), 1, 4 * epsilon) << x[i];
    }
  });
}

TEST(Activation, SigmoidStaysANumberBetweenZeroAndOneFarOut) {
  for_each_target([](int64_t) {
    Tensor x({8}), y({8});
    const double values[] = {-1e30, -1000, -100, -89, 89, 100, 1000, 1e30};
    for (int64_t i = 0; i < 8; ++i) x[i] = static_cast<Scalar>(values[i]);
    activate(ActivationKind::sigmoid, x.data(), 8, y.data());
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_GE(y[i], 0) << x[i];
      EXPECT_LT(y[i], 1e-37) << x[i];
    }
    for (int64_t i = 4; i < 8; ++i) EXPECT_EQ(y[i], 1) << x[i];
  });
}

TEST(Activation, KeepsWhatIsNoNumber) {
  for_each_target([](int64_t target) {
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    for (const ActivationKind kind : kinds) {
      Scalar y = 0;
      activate(kind, &nan, 1, &y);
      EXPECT_TRUE(std::isnan(y)) << static_cast<int>(kind) << " on " << hwy::TargetName(target);
    }
  });
}

TEST(BinaryCrossEntropy, IsThatOfTheMathsLibrary) {
  for_each_target([](int64_t) {
    const Tensor logits = sweep();
    Tensor targets(logits.shape()), losses = unwritten(logits.shape()), dlogits = losses;
    for (int64_t i = 0; i < targets.size(); ++i) targets[i] = static_cast<Scalar>(i % 5) / 4;
    binary_cross_entropy(logits.data(), targets.data(), logits.size(), losses.data(), dlogits.data());
    for (int64_t i = 0; i < logits.size(); ++i) {
      const long double z = static_cast<long double>(logits[i]), t = static_cast<long double>(targets[i]);
      const double loss = static_cast<double>(plain::binary_cross_entropy(z, t));
      const double gradient = static_cast<double>(plain::activation(ActivationKind::sigmoid, z) - t);
      ASSERT_NEAR(static_cast<double>(losses[i]), loss, tolerance(logits[i])) << z << ", " << t;
      ASSERT_NEAR(static_cast<double>(dlogits[i]), gradient, 4 * epsilon) << z << ", " << t;
    }
  });
}

TEST(ExpMinusMaximum, IsThatOfTheMathsLibrary) {
  for_each_target([](int64_t) {
    const int64_t rows = 5, columns = 19;
    Tensor x = random_tensor({rows, columns}, 1), y = unwritten(x.shape()), maxima = unwritten({rows});
    for (Scalar& value : x.values()) value *= 40;
    exp_minus_maximum(x.data(), rows, columns, y.data(), maxima.data());
    for (int64_t i = 0; i < x.size(); ++i) {
      const Scalar* row = x.data() + i / columns * columns;
      const Scalar maximum = *std::max_element(row, row + columns);
      ASSERT_EQ(maxima[i / columns], maximum);
      // x - maximum rounds by half an epsilon of at most 80.
      const double expected = std::exp(static_cast<double>(x[i]) - static_cast<double>(maximum));
      ASSERT_NEAR(static_cast<double>(y[i]), expected, 42 * epsilon * expected) << i;
    }
    x[2 * columns + 3] = std::numeric_limits<Scalar>::quiet_NaN();
    exp_minus_maximum(x.data(), rows, columns, y.data(), maxima.data());
    for (int64_t i = 0; i < x.size(); ++i) ASSERT_EQ(std::isnan(y[i]), i / columns == 2) << i;
  });
}

}  // namespace
}  // namespace mudra
