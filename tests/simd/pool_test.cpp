// Pooling gives the values of plain.h on every instruction set.
#include "mudra/simd/pool.h"

#include "mudra/simd/plain.h"
#include "tests/simd/kernel_test.h"

namespace mudra {
namespace {

// Windows that touch, overlap, leave gaps, and leave a rest of the image over.
const std::vector<PoolShape> pool_shapes = {{6, 8, 37, 2, 2, 2, 3, 4},
                                            {7, 5, 16, 2, 2, 2, 3, 2},
                                            {5, 4, 3, 3, 2, 1, 3, 3},
                                            {9, 7, 21, 2, 3, 3, 3, 2},
                                            {4, 6, 5, 2, 2, 1, 3, 5}};

TEST(MaxPool, TakesTheFirstOfTheLargest) {
  for_each_target([](int64_t) {
    for (const PoolShape& s : pool_shapes) {
      Tensor x = random_tensor({s.height, s.width, s.channels}, 1);
      for (Scalar& value : x.values()) value = std::round(4 * value);  // many are equal
      Tensor y = unwritten({s.out_height, s.out_width, s.channels}), argmax = y, expected = y,
             expected_argmax = y;
      plain::max_pool(s, x.data(), expected.data(), expected_argmax.data());
      max_pool(s, x.data(), y.data(), argmax.data());
      expect_same_bits(y, expected);
      expect_same_bits(argmax, expected_argmax);
      Tensor alone = unwritten(y.shape());
      max_pool(s, x.data(), alone.data(), nullptr);
      expect_same_bits(alone, expected);

      const Tensor dy = random_tensor(y.shape(), 2);
      Tensor dx = unwritten(x.shape()), expected_dx = dx;
      plain::max_pool_backward(s, expected_argmax.data(), dy.data(), expected_dx.data());
      max_pool_backward(s, argmax.data(), dy.data(), dx.data());
      for (int64_t i = 0; i < dx.size(); ++i) ASSERT_EQ(dx[i], expected_dx[i]) << i;
    }
  });
}

TEST(MaxPool, KeepsWhatIsNoNumber) {
  for_each_target([](int64_t) {
    for (const PoolShape& s : pool_shapes) {
      for (int64_t number = 0; number < s.window_height * s.window_width; ++number) {
        Tensor x = random_tensor({s.height, s.width, s.channels}, 1);
        const int64_t row = number / s.window_width, column = number % s.window_width;
        for (int64_t c = 0; c < s.channels; ++c) x[(row * s.width + column) * s.channels + c] = std::nanf("");
        Tensor y({s.out_height, s.out_width, s.channels});
        max_pool(s, x.data(), y.data(), nullptr);
        Tensor expected(y.shape()), argmax(y.shape());
        plain::max_pool(s, x.data(), expected.data(), argmax.data());
        for (int64_t i = 0; i < y.size(); ++i) ASSERT_EQ(std::isnan(y[i]), std::isnan(expected[i])) << i;
      }
    }
  });
}

TEST(AveragePool, IsThePlainMean) {
  for_each_target([](int64_t) {
    for (const PoolShape& s : pool_shapes) {
      const Tensor x = random_tensor({s.height, s.width, s.channels}, 1);
      Tensor y = unwritten({s.out_height, s.out_width, s.channels}), expected = y;
      plain::average_pool(s, x.data(), expected.data());
      average_pool(s, x.data(), y.data());
      expect_same_bits(y, expected);
      const Tensor dy = random_tensor(y.shape(), 2);
      Tensor dx = unwritten(x.shape()), expected_dx = dx;
      plain::average_pool_backward(s, dy.data(), expected_dx.data());
      average_pool_backward(s, dy.data(), dx.data());
      expect_same_bits(dx, expected_dx);
    }
  });
}

}  // namespace
}  // namespace mudra
