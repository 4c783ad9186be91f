// Dropout draws its own mask, so no library can say what it should be: it must be one of dropout's, used
// alike forward and backward, and the same wherever an example stands.
#include "mudra/layers/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mudra {
namespace {

struct Passed {
  Tensor y, dx;
};

Passed pass(const Dropout& dropout, const Tensor& x, const Tensor& dy, int64_t first_example, int threads) {
  ThreadTeam team(threads);
  const Context context{team, 3, 2, first_example, 5};
  auto saved = dropout.make_saved(x.shape(), Mode::train);
  Passed passed{Tensor(x.shape()), Tensor(x.shape())};
  dropout.forward(x, passed.y, saved, context);
  dropout.backward({x, passed.y, dy, context}, saved, passed.dx);
  return passed;
}

TEST(Dropout, ForwardAndBackwardUseOneMaskOfTheRate) {
  const Dropout dropout{{}, 0.3};
  Tensor x({40, 500}), dy({40, 500});
  for (int64_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<Scalar>(i % 17 + 1);
    dy[i] = static_cast<Scalar>(i % 23 + 1);
  }
  const Passed passed = pass(dropout, x, dy, 0, 1);
  const Scalar kept = static_cast<Scalar>(1 / 0.7);
  int64_t dropped = 0;
  for (int64_t i = 0; i < x.size(); ++i) {
    const bool zero = passed.y[i] == 0;
    dropped += zero;
    ASSERT_EQ(passed.y[i], zero ? 0 : x[i] * kept) << i;
    ASSERT_EQ(passed.dx[i], zero ? 0 : dy[i] * kept) << i;
  }
  // five standard deviations of the binomial law
  EXPECT_NEAR(static_cast<double>(dropped), 6000, 5 * std::sqrt(20000 * 0.3 * 0.7));
}

TEST(Dropout, AnExamplesMaskDoesNotDependOnItsBatchOrThreads) {
  const Dropout dropout{{}, 0.5};
  Tensor x({6, 90});
  x.fill(1);
  const Passed all = pass(dropout, x, x, 10, 3);
  for (int64_t n = 0; n < 6; ++n) {
    Tensor one({1, 90});
    one.fill(1);
    const Passed alone = pass(dropout, one, one, 10 + n, 1);
    for (int64_t i = 0; i < 90; ++i) ASSERT_EQ(alone.y[i], all.y[n * 90 + i]);
  }
}

TEST(Dropout, InferenceIsTheIdentity) {
  const Dropout dropout{{}, 0.9};
  Tensor x({3, 7}), y({3, 7});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<Scalar>(i) - 10;
  ThreadTeam team(1);
  Dropout::Saved saved;
  dropout.infer(x, y, saved, Context{team});
  for (int64_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], x[i]);
}

}  // namespace
}  // namespace mudra
