// Matrix products and their gradients are the sums of plain.h on every instruction set.
#include "mudra/simd/matmul.h"
#include "mudra/simd/plain.h"
#include "mudra/simd/sparse_matmul.h"
#include "tests/simd/kernel_test.h"

namespace mudra {
namespace {

struct Product {
  int64_t rows, depth, outputs;
};

const std::vector<Product> products = {{32, 84, 128}, {7, 50, 10}, {65, 31, 200}, {5, 17, 16}, {130, 33, 18}};

// Rows [3][4 lines][6] of two runs of five columns each, which overlap as a convolution's do.
constexpr RowLayout overlapping = {9, 4, 6, 60, 12, 2, 2, 5, 12};
const Shape overlapping_shape = {9 * 60 + 12 + 32};

struct Inputs {
  Inputs(const Product& p, double share)
      : x(random_tensor({p.rows, p.depth}, 1, share)),
        w(random_panels(p.depth, p.outputs, 2)),
        bias(random_tensor({p.outputs}, 3)),
        dy(random_rows(p.rows, p.outputs, 4)) {}
  Tensor x, w, bias, dy;
};

TEST(Matmul, IsThePlainSumOnEveryInstructionSet) {
  for_each_target([](int64_t target) {
    ThreadTeam team(2);
    for (const Product& p : products) {
      const Inputs in(p, 1);
      const RowLayout layout = RowLayout::matrix(p.rows, p.depth);
      for (const ActivationKind kind : {ActivationKind::none, ActivationKind::relu, ActivationKind::tanh}) {
        for (const Scalar* bias : {in.bias.data(), static_cast<const Scalar*>(nullptr)}) {
          Tensor y = unwritten({p.rows, p.outputs}), expected = unwritten(y.shape());
          plain::matmul(in.x.data(), layout, in.w.data(), p.outputs, bias, expected.data());
          activate(kind, expected.data(), expected.size(), expected.data());
          matmul(team, in.x.data(), layout, in.w.data(), p.outputs, bias, kind, y.data());
          expect_same_sums(target, p.depth, y, expected);
        }
      }
    }
  });
}

TEST(Matmul, TakesRowsThatOverlap) {
  for_each_target([](int64_t target) {
    ThreadTeam team(3);
    const int64_t outputs = 21;
    const Tensor x = random_tensor(overlapping_shape, 1), w = random_panels(10, outputs, 2);
    Tensor y = unwritten({overlapping.rows(), outputs}), expected = unwritten(y.shape());
    plain::matmul(x.data(), overlapping, w.data(), outputs, nullptr, expected.data());
    matmul(team, x.data(), overlapping, w.data(), outputs, nullptr, ActivationKind::none, y.data());
    expect_same_sums(target, 10, y, expected);
  });
}

TEST(MatmulPooled, IsTheMaximumOfThePlainSums) {
  for_each_target([](int64_t target) {
    ThreadTeam team(2);
    const int64_t outputs = 48;
    const Tensor x = random_tensor(overlapping_shape, 1), w = random_panels(10, outputs, 2);
    const Tensor bias = random_tensor({outputs}, 3);
    const PoolShape pool = {4, 6, outputs, 2, 2, 2, 2, 3};
    Tensor whole = unwritten({overlapping.rows(), outputs}), expected = unwritten({9, 2, 3, outputs});
    Tensor expected_argmax = unwritten(expected.shape());
    plain::matmul(x.data(), overlapping, w.data(), outputs, bias.data(), whole.data());
    activate(ActivationKind::sigmoid, whole.data(), whole.size(), whole.data());
    for (int64_t n = 0; n < 9; ++n) {
      plain::max_pool(pool, whole.data() + n * pool.x_size(), expected.data() + n * pool.y_size(),
                      expected_argmax.data() + n * pool.y_size());
    }
    Tensor y = unwritten(expected.shape()), alone = y, argmax = y;
    matmul_pooled(team, x.data(), overlapping, w.data(), outputs, bias.data(), ActivationKind::sigmoid,
                  y.data(), argmax.data());
    matmul_pooled(team, x.data(), overlapping, w.data(), outputs, bias.data(), ActivationKind::sigmoid,
                  alone.data(), nullptr);
    expect_same_sums(target, 10, y, expected);
    expect_same_bits(alone, y);
    if (is_fused(target)) expect_same_bits(argmax, expected_argmax);
  });
}

TEST(SparseMatmul, IsThePlainSumOnEveryInstructionSet) {
  for_each_target([](int64_t target) {
    ThreadTeam team(2);
    for (const Product& p : products) {
      const Inputs in(p, 0.4);
      Tensor y = unwritten({p.rows, p.outputs}), sums = unwritten({p.rows, padded(p.outputs)}), expected = y;
      plain::matmul(in.x.data(), RowLayout::matrix(p.rows, p.depth), in.w.data(), p.outputs, in.bias.data(),
                    expected.data());
      activate(ActivationKind::sigmoid, expected.data(), expected.size(), expected.data());
      sparse_matmul(team, in.x.data(), p.rows, p.depth, in.w.data(), p.outputs, in.bias.data(),
                    ActivationKind::sigmoid, sums.data(), y.data());
      expect_same_sums(target, p.depth, y, expected);
    }
  });
}

TEST(SparseMatmul, PaysWhenZerosAreMany) {
  EXPECT_TRUE(sparse_matmul_pays(random_tensor({20, 100}, 1, 0.5).data(), 20, 100));
  EXPECT_FALSE(sparse_matmul_pays(random_tensor({20, 100}, 1, 0.95).data(), 20, 100));
}

// The weights after a step of plain descent down the gradient.
Tensor descended(const Tensor& start, const Tensor& gradient, Scalar rate) {
  Tensor weights = start;
  for (int64_t i = 0; i < weights.size(); ++i) plain::descend(rate, gradient[i], weights[i]);
  return weights;
}

TEST(MatrixGradient, IsThePlainSumOverShards) {
  for_each_target([](int64_t target) {
    ThreadTeam team(2);
    for (const Product& p : products) {
      for (const double share : {1.0, 0.3}) {
        const Inputs in(p, share);
        const RowLayout layout = RowLayout::matrix(p.rows, p.depth);
        Tensor expected = unwritten(in.w.shape());
        plain::matmul_gradient(in.x.data(), layout, in.dy.data(), p.outputs, expected.data());
        for (const bool skip_zeros : {false, true}) {
          Tensor gradient = unwritten(in.w.shape()), weights = in.w;
          matrix_gradient(team, in.x.data(), p.rows, p.depth, in.dy.data(), p.outputs, skip_zeros, {},
                          GradientSink::store(), gradient.data());
          expect_same_sums(target, p.rows, gradient, expected);
          matrix_gradient(team, in.x.data(), p.rows, p.depth, in.dy.data(), p.outputs, skip_zeros, {},
                          GradientSink::descend(0.125), weights.data());
          expect_same_sums(target, p.rows, weights, descended(in.w, expected, 0.125));
        }
      }
    }
  });
}

TEST(MatmulGradient, IsThePlainSumOverShards) {
  for_each_target([](int64_t target) {
    ThreadTeam team(3);
    for (const Product& p : products) {
      const Inputs in(p, 1);
      Tensor gradient = unwritten(in.w.shape()), expected = gradient;
      const RowLayout layout = RowLayout::matrix(p.rows, p.depth);
      plain::matmul_gradient(in.x.data(), layout, in.dy.data(), p.outputs, expected.data());
      matmul_gradient(team, in.x.data(), layout, {in.dy.data()}, p.outputs, {}, GradientSink::store(),
                      gradient.data());
      expect_same_sums(target, p.rows, gradient, expected);
    }
    const int64_t outputs = 40;
    const Tensor x = random_tensor(overlapping_shape, 1), w = random_panels(10, outputs, 2);
    const Tensor dy = random_rows(overlapping.rows(), outputs, 4);
    Tensor weights = w, expected = unwritten(w.shape());
    plain::matmul_gradient(x.data(), overlapping, dy.data(), outputs, expected.data());
    matmul_gradient(team, x.data(), overlapping, {dy.data()}, outputs, {}, GradientSink::descend(0.125),
                    weights.data());
    expect_same_sums(target, overlapping.rows(), weights, descended(w, expected, 0.125));
  });
}

// Of pooled y, dy belongs to the pixel that was the maximum; the other three have no gradient.
TEST(MatmulGradient, OfPooledOutputsIsThatOfTheMaxima) {
  for_each_target([](int64_t target) {
    ThreadTeam team(2);
    const int64_t outputs = 32;
    const PoolShape pool = {4, 6, outputs, 2, 2, 2, 2, 3};
    const Tensor x = random_tensor(overlapping_shape, 1), dy = random_tensor({9, 2, 3, outputs}, 2);
    Tensor argmax(dy.shape()), whole = unwritten({9, 4, 6, outputs});
    for (int64_t i = 0; i < argmax.size(); ++i) argmax[i] = static_cast<Scalar>(i * 7 % 11 % 4);
    for (int64_t n = 0; n < 9; ++n) {
      plain::max_pool_backward(pool, argmax.data() + n * pool.y_size(), dy.data() + n * pool.y_size(),
                               whole.data() + n * pool.x_size());
    }
    Tensor gradient = unwritten({panel_count(outputs), 10, panel_width}), expected = gradient;
    plain::matmul_gradient(x.data(), overlapping, whole.data(), outputs, expected.data());
    matmul_gradient(team, x.data(), overlapping, {dy.data(), argmax.data()}, outputs, {},
                    GradientSink::store(), gradient.data());
    expect_same_sums(target, overlapping.rows(), gradient, expected);
    Tensor sums = unwritten({outputs}), expected_sums = sums;
    plain::column_sums(whole.data(), 9, 24, outputs, expected_sums.data());
    column_sums({dy.data(), argmax.data()}, 9, 2, 3, outputs, {}, GradientSink::store(), sums.data());
    expect_same_bits(sums, expected_sums);
  });
}

TEST(ColumnSums, AreThePlainSumsOverShards) {
  for_each_target([](int64_t target) {
    for (const int64_t images : {5, 9, 33}) {
      const int64_t columns = 37;
      const Tensor dy = random_rows(images * 6, columns, 1), start = random_tensor({columns}, 2);
      Tensor sums = unwritten({columns}), weights = start, expected = sums;
      plain::column_sums(dy.data(), images, 6, columns, expected.data());
      column_sums({dy.data()}, images, 2, 3, columns, {}, GradientSink::store(), sums.data());
      expect_same_bits(sums, expected);
      column_sums({dy.data()}, images, 2, 3, columns, {}, GradientSink::descend(0.125), weights.data());
      expect_same_sums(target, images * 6, weights, descended(start, expected, 0.125));
    }
  });
}

}  // namespace
}  // namespace mudra
