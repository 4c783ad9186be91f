// Convolutions and their gradients are the sums of plain.h on every instruction set.
#include "mudra/simd/depthwise.h"
#include "mudra/simd/plain.h"
#include "mudra/simd/sparse_conv.h"
#include "tests/simd/kernel_test.h"

namespace mudra {
namespace {

// images, height and width with the border, channels; kernel, stride; border; outputs
ConvShape conv_shape(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t kernel_height,
                     int64_t kernel_width, int64_t stride, int64_t pad_height, int64_t pad_width,
                     int64_t outputs) {
  return {images,
          height,
          width,
          channels,
          kernel_height,
          kernel_width,
          stride,
          pad_height,
          pad_width,
          (height - kernel_height) / stride + 1,
          (width - kernel_width) / stride + 1,
          outputs};
}

const std::vector<ConvShape> shapes = {
    conv_shape(9, 9, 8, 16, 3, 3, 1, 1, 1, 32),  conv_shape(2, 5, 8, 32, 3, 3, 1, 1, 1, 5),
    conv_shape(3, 10, 7, 16, 5, 4, 1, 2, 1, 40), conv_shape(5, 9, 10, 16, 3, 3, 2, 1, 1, 17),
    conv_shape(11, 3, 4, 48, 1, 1, 1, 0, 0, 30), conv_shape(4, 6, 11, 16, 2, 3, 1, 0, 1, 16)};

// The rows of a convolution as a product: see RowLayout.
RowLayout rows_of(const ConvShape& s) {
  const int64_t line = s.width * s.channels;
  return {s.images,
          s.out_height,
          s.out_width,
          s.height * line,
          s.stride * line,
          s.stride * s.channels,
          s.kernel_height,
          s.kernel_width * s.channels,
          line};
}

Tensor bordered(const ConvShape& s) {
  Tensor x = random_tensor({s.images, s.height, s.width, s.channels}, 1, 0.8);
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t row = i / (s.width * s.channels) % s.height, column = i / s.channels % s.width;
    if (row < s.pad_height || row >= s.height - s.pad_height || column < s.pad_width ||
        column >= s.width - s.pad_width) {
      x[i] = 0;
    }
  }
  return x;
}

Shape inner(const ConvShape& s) {
  return {s.images, s.height - 2 * s.pad_height, s.width - 2 * s.pad_width, s.channels};
}

TEST(Convolution, AsAProductIsThePlainSum) {
  for_each_target([](int64_t target) {
    ThreadTeam team(2);
    for (const ConvShape& s : shapes) {
      const int64_t depth = s.taps() * s.channels;
      const Tensor x = bordered(s), w = random_panels(depth, s.outputs, 2),
                   bias = random_tensor({s.outputs}, 3);
      const Tensor dy = random_rows(s.images * s.pixels(), s.outputs, 4);
      Tensor y = unwritten({s.images, s.out_height, s.out_width, s.outputs}), expected = y;
      plain::convolution(s, x.data(), w.data(), bias.data(), expected.data());
      matmul(team, x.data(), rows_of(s), w.data(), s.outputs, bias.data(), ActivationKind::none, y.data());
      expect_same_sums(target, depth, y, expected);
      Tensor dw = unwritten(w.shape()), expected_dw = dw;
      plain::convolution_dw(s, x.data(), dy.data(), expected_dw.data());
      matmul_gradient(team, x.data(), rows_of(s), {dy.data()}, s.outputs, {}, GradientSink::store(),
                      dw.data());
      expect_same_sums(target, s.images * s.pixels(), dw, expected_dw);
    }
  });
}

TEST(SparseConv, GivesThePlainGradients) {
  for_each_target([](int64_t target) {
    for (const ConvShape& s : shapes) {
      ASSERT_TRUE(sparse_conv_possible(s));
      const int64_t depth = s.taps() * s.channels;
      const Tensor x = bordered(s), w = random_panels(depth, s.outputs, 2);
      const Tensor dy = random_rows(s.images * s.pixels(), s.outputs, 4, 0.2);
      Tensor expected_dx = unwritten(inner(s)), expected_dw = unwritten(w.shape());
      plain::convolution_dx(s, dy.data(), w.data(), expected_dx.data());
      plain::convolution_dw(s, x.data(), dy.data(), expected_dw.data());
      for (const int threads : {1, 3}) {
        ThreadTeam team(threads);
        Tensor scratch = unwritten({sparse_conv_scratch(s)}), dx = unwritten(inner(s)),
               dw = unwritten(w.shape());
        sparse_conv_backward(team, s, x.data(), {dy.data()}, w.data(), {}, scratch.data(), dx.data());
        sparse_conv_gradient(s, false, scratch.data(), GradientSink::store(), dw.data());
        expect_same_sums(target, s.taps() * s.outputs, dx, expected_dx);
        expect_same_sums(target, s.images * s.pixels(), dw, expected_dw);
        Tensor weights = w, expected = w;
        for (int64_t i = 0; i < w.size(); ++i) plain::descend(0.125, expected_dw[i], expected[i]);
        sparse_conv_backward(team, s, x.data(), {dy.data()}, w.data(), {}, scratch.data(), nullptr);
        sparse_conv_gradient(s, false, scratch.data(), GradientSink::descend(0.125), weights.data());
        expect_same_sums(target, s.images * s.pixels(), weights, expected);
      }
    }
  });
}

// Pooled by 2x2, a gradient belongs to one pixel of its window; a last odd line or column has none.
TEST(SparseConv, OfPooledOutputsGivesThePlainGradients) {
  for_each_target([](int64_t target) {
    ThreadTeam team(2);
    for (const ConvShape& s : shapes) {
      if (s.outputs % panel_width != 0 || s.out_height < 2 || s.out_width < 2) continue;
      const PoolShape pool = {s.out_height,     s.out_width,    s.outputs, 2, 2, 2,
                              s.out_height / 2, s.out_width / 2};
      const int64_t depth = s.taps() * s.channels;
      const Tensor x = bordered(s), w = random_panels(depth, s.outputs, 2);
      const Tensor dy = random_tensor({s.images, pool.out_height, pool.out_width, s.outputs}, 4, 0.7);
      Tensor argmax(dy.shape()), whole = unwritten({s.images, s.out_height, s.out_width, s.outputs});
      for (int64_t i = 0; i < argmax.size(); ++i) argmax[i] = static_cast<Scalar>(i * 7 % 11 % 4);
      for (int64_t n = 0; n < s.images; ++n) {
        plain::max_pool_backward(pool, argmax.data() + n * pool.y_size(), dy.data() + n * pool.y_size(),
                                 whole.data() + n * pool.x_size());
      }
      Tensor dx = unwritten(inner(s)), expected_dx = dx, dw = unwritten(w.shape()), expected_dw = dw;
      plain::convolution_dx(s, whole.data(), w.data(), expected_dx.data());
      plain::convolution_dw(s, x.data(), whole.data(), expected_dw.data());
      Tensor scratch = unwritten({sparse_conv_scratch(s)});
      sparse_conv_backward(team, s, x.data(), {dy.data(), argmax.data()}, w.data(), {}, scratch.data(),
                           dx.data());
      sparse_conv_gradient(s, true, scratch.data(), GradientSink::store(), dw.data());
      expect_same_sums(target, s.taps() * s.outputs, dx, expected_dx);
      expect_same_sums(target, s.images * s.pixels(), dw, expected_dw);
    }
  });
}

TEST(SparseConv, PaysWhenZerosAreMany) {
  const ConvShape& s = shapes[1];
  EXPECT_TRUE(sparse_conv_pays(s, random_rows(s.images * s.pixels(), s.outputs, 1, 0.4).data()));
  EXPECT_FALSE(sparse_conv_pays(s, random_rows(s.images * s.pixels(), s.outputs, 1, 0.6).data()));
}

TEST(Depthwise, IsThePlainSum) {
  for_each_target([](int64_t target) {
    ThreadTeam team(2);
    for (const ConvShape& s :
         {conv_shape(9, 7, 8, 37, 3, 3, 1, 1, 1, 37), conv_shape(2, 9, 6, 5, 2, 5, 2, 0, 2, 5),
          conv_shape(33, 3, 4, 16, 1, 2, 1, 0, 0, 16)}) {
      const Tensor x = bordered(s), w = random_panels(s.taps(), s.channels, 2);
      const Tensor bias = random_tensor({s.channels}, 3);
      for (const Scalar* b : {bias.data(), static_cast<const Scalar*>(nullptr)}) {
        Tensor y = unwritten({s.images, s.out_height, s.out_width, s.channels}), expected = y;
        plain::depthwise(s, x.data(), w.data(), b, expected.data());
        activate(ActivationKind::relu, expected.data(), expected.size(), expected.data());
        depthwise(team, x.data(), s, w.data(), b, ActivationKind::relu, y.data());
        expect_same_sums(target, s.taps(), y, expected);
      }
      const Tensor dy = random_tensor({s.images, s.out_height, s.out_width, s.channels}, 4);
      Tensor partial({8, padded(s.channels) * s.taps()}), dw = unwritten(w.shape()), expected(w.shape());
      plain::depthwise_gradient(s, x.data(), dy.data(), expected.data());
      depthwise_gradient(team, x.data(), s, dy.data(), {}, partial.data(), dw.data());
      expect_same_sums(target, s.images * s.pixels(), dw, expected);
    }
  });
}

}  // namespace
}  // namespace mudra
