// The shards of a batch, each computed by a process that holds its images alone and added left to right, give
// the bits of the whole batch.
#include "mudra/simd/shards.h"

#include <functional>

#include "mudra/simd/add.h"
#include "mudra/simd/depthwise.h"
#include "mudra/simd/normalize.h"
#include "mudra/simd/sparse_conv.h"
#include "tests/simd/kernel_test.h"

namespace mudra {
namespace {

// Writes to `sum` the sum over the images at hand, `count` of them from image `first` of the batch on.
using Kernel = std::function<void(int64_t first, int64_t count, const Shards& shards, Scalar* sum)>;

void expect_shards_add_up(int64_t batch, int64_t size, const Kernel& kernel) {
  Tensor whole = unwritten({size}), shards({gradient_shards, size}), added = unwritten({size});
  kernel(0, batch, {}, whole.data());
  for (int shard = 0; shard < gradient_shards; ++shard) {
    const int64_t first = batch * shard / 8, count = batch * (shard + 1) / 8 - first;
    if (count == 0) continue;  // nobody has anything to add
    Tensor alone = unwritten({size});
    kernel(first, count, Shards::only(shard, batch), alone.data());
    std::copy_n(alone.data(), size, shards.data() + shard * size);
  }
  add_shards(shards.data(), size, added.data());
  expect_same_bits(added, whole);
  // Some neighbouring shards give their sum from left to right.
  const int64_t first = batch * 2 / 8, count = batch * 5 / 8 - first;
  Tensor part = unwritten({size});
  kernel(first, count, {batch, first}, part.data());
  for (int64_t k = 0; k < size; ++k) {
    ASSERT_EQ(part[k], shards[2 * size + k] + shards[3 * size + k] + shards[4 * size + k]) << k;
  }
}

template <class Test>
void for_each_batch(const Test& test) {
  for_each_target([&](int64_t) {
    ThreadTeam team(2);
    for (const int64_t batch : {5, 9, 33}) test(team, batch);
  });
}

TEST(Shards, OfADenseLayerAddUp) {
  for_each_batch([](ThreadTeam& team, int64_t batch) {
    const int64_t depth = 21, outputs = 37, size = padded(outputs) * depth;
    const Tensor x = random_tensor({batch, depth}, 1, 0.5), dy = random_rows(batch, outputs, 2);
    for (const bool skip_zeros : {false, true}) {
      expect_shards_add_up(batch, size, [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
        matrix_gradient(team, x.data() + first * depth, count, depth, dy.data() + first * padded(outputs),
                        outputs, skip_zeros, shards, GradientSink::store(), sum);
      });
    }
    expect_shards_add_up(batch, outputs,
                         [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
                           column_sums({dy.data() + first * padded(outputs)}, count, 1, 1, outputs, shards,
                                       GradientSink::store(), sum);
                         });
  });
}

// 3x3 over 16 channels of images 6x7, which are 4x5 then; pooled 2x2.
TEST(Shards, OfAConvolutionAddUpDenseSparseAndPooled) {
  for_each_batch([](ThreadTeam& team, int64_t batch) {
    const int64_t outputs = 32, depth = 9 * 16, x_size = 6 * 7 * 16;
    const RowLayout layout = {batch, 4, 5, x_size, 7 * 16, 16, 3, 3 * 16, 7 * 16};
    const Tensor x = random_tensor({batch, x_size}, 1), w = random_panels(depth, outputs, 2);
    for (const bool pooled : {false, true}) {
      const int64_t lines = pooled ? 2 : 4, columns = pooled ? 2 : 5, dy_size = lines * columns * outputs;
      const Tensor dy = random_tensor({batch, dy_size}, 3, 0.5);
      Tensor argmax(dy.shape());
      for (int64_t i = 0; i < argmax.size(); ++i) argmax[i] = static_cast<Scalar>(i * 7 % 11 % 4);
      const auto from = [&](int64_t first) {
        return OutputGradient{dy.data() + first * dy_size,
                              pooled ? argmax.data() + first * dy_size : nullptr};
      };
      const int64_t size = outputs * depth;
      expect_shards_add_up(batch, size, [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
        RowLayout part = layout;
        part.images = count;
        part.line_rows -= pooled;  // the last column is in no window
        matmul_gradient(team, x.data() + first * x_size, part, from(first), outputs, shards,
                        GradientSink::store(), sum);
      });
      expect_shards_add_up(batch, size, [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
        const ConvShape shape = {count, 6, 7, 16, 3, 3, 1, 1, 1, 4, 5, outputs};
        Tensor scratch = unwritten({sparse_conv_scratch(shape)}), dx = unwritten({count, 4, 5, 16});
        sparse_conv_backward(team, shape, x.data() + first * x_size, from(first), w.data(), shards,
                             scratch.data(), dx.data());
        sparse_conv_gradient(shape, pooled, scratch.data(), GradientSink::store(), sum);
        for (const Scalar value : dx.values()) ASSERT_FALSE(std::isnan(value));
      });
      expect_shards_add_up(
          batch, outputs, [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
            column_sums(from(first), count, lines, columns, outputs, shards, GradientSink::store(), sum);
          });
    }
  });
}

TEST(Shards, OfADepthwiseConvolutionAddUp) {
  for_each_batch([](ThreadTeam& team, int64_t batch) {
    const int64_t channels = 21, x_size = 5 * 4 * channels, dy_size = 3 * 3 * channels;
    const Tensor x = random_tensor({batch, x_size}, 1), dy = random_tensor({batch, dy_size}, 2);
    const int64_t size = padded(channels) * 6;
    expect_shards_add_up(batch, size, [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
      Tensor partial({gradient_shards, size});
      depthwise_gradient(team, x.data() + first * x_size,
                         {count, 5, 4, channels, 3, 2, 1, 0, 0, 3, 3, channels}, dy.data() + first * dy_size,
                         shards, partial.data(), sum);
    });
  });
}

TEST(Shards, OfTheSumsOfNormalizationAddUp) {
  for_each_batch([](ThreadTeam& team, int64_t batch) {
    const int64_t columns = 37, rows = 6, image = rows * columns;
    const Tensor x = random_tensor({batch, image}, 1), dy = random_tensor({batch, image}, 2);
    const Tensor column_mean = random_tensor({columns}, 5), mean = random_tensor({batch * rows}, 3),
                 inverse = random_tensor({batch * rows}, 4);
    Tensor partial = unwritten({gradient_shards, 2, columns});
    expect_shards_add_up(batch, columns,
                         [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
                           sum_columns(team, x.data() + first * image, {count, rows, columns}, nullptr,
                                       shards, partial.data(), sum);
                         });
    expect_shards_add_up(batch, columns,
                         [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
                           sum_columns(team, x.data() + first * image, {count, rows, columns},
                                       column_mean.data(), shards, partial.data(), sum);
                         });
    expect_shards_add_up(
        batch, 2 * columns, [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
          column_gradients(team, x.data() + first * image, dy.data() + first * image, {count, rows, columns},
                           column_mean.data(), shards, partial.data(), sum, sum + columns);
        });
    expect_shards_add_up(
        batch, 2 * columns, [&](int64_t first, int64_t count, const Shards& shards, Scalar* sum) {
          row_norm_gradients(team, x.data() + first * image, dy.data() + first * image,
                             {count, rows, columns}, mean.data() + first * rows,
                             inverse.data() + first * rows, shards, partial.data(), sum, sum + columns);
        });
  });
}

}  // namespace
}  // namespace mudra
