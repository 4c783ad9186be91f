// Skipping the zeros of x gives the bits of multiplying them.
#include "mudra/simd/sparse_matmul.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mudra/core/rng.h"
#include "mudra/simd/panels.h"

namespace mudra {
namespace {

struct Product {
  int64_t rows, depth, outputs;
};

void fill(Tensor& tensor, double share, Rng& rng) {
  for (Scalar& value : tensor.values()) {
    value = rng.chance(share) ? static_cast<Scalar>(rng.uniform(-1, 1)) : Scalar{0};
  }
}

void expect_same_bits(const Tensor& a, const Tensor& b) {
  for (int64_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(a[i] == b[i] && std::signbit(a[i]) == std::signbit(b[i]))
        << i << ": " << a[i] << ", " << b[i];
  }
}

class SkippingZeros : public testing::TestWithParam<Product> {};

INSTANTIATE_TEST_SUITE_P(Matrices, SkippingZeros,
                         testing::Values(Product{32, 784, 128}, Product{7, 50, 10}, Product{65, 131, 200},
                                         Product{1, 16, 16}, Product{300, 33, 17}));

TEST_P(SkippingZeros, KeepsTheBitsOfTheProduct) {
  const auto [rows, depth, outputs] = GetParam();
  Rng rng(5, Purpose::test);
  Tensor x({rows, depth}), w({panel_count(outputs), depth, panel_width}), bias({outputs});
  fill(x, 0.4, rng);
  fill(w, 1, rng);
  fill(bias, 1, rng);
  for (const int threads : {1, 3}) {
    ThreadTeam team(threads);
    Tensor dense({rows, outputs}), sparse({rows, outputs}), sums({rows, padded(outputs)});
    dense.fill(std::nanf(""));
    sparse.fill(std::nanf(""));
    sums.fill(std::nanf(""));
    matmul(team, x.data(), RowLayout::matrix(rows, depth), w.data(), outputs, bias.data(),
           ActivationKind::sigmoid, dense.data());
    sparse_matmul(team, x.data(), rows, depth, w.data(), outputs, bias.data(), ActivationKind::sigmoid,
                  sums.data(), sparse.data());
    expect_same_bits(sparse, dense);
  }
}

TEST_P(SkippingZeros, KeepsTheBitsOfTheGradient) {
  const auto [rows, depth, outputs] = GetParam();
  Rng rng(6, Purpose::test);
  Tensor x({rows, depth}), dy({rows, padded(outputs)}), start({panel_count(outputs), depth, panel_width});
  fill(x, 0.3, rng);
  fill(dy, 1, rng);
  fill(start, 1, rng);
  for (const bool descend : {false, true}) {
    const GradientSink sink{descend, Scalar{0.1f}};
    ThreadTeam team(2);
    Tensor general = start, dense = start, sparse = start;
    matmul_gradient(team, x.data(), RowLayout::matrix(rows, depth), {dy.data()}, outputs, sink,
                    general.data());
    matrix_gradient(team, x.data(), rows, depth, dy.data(), outputs, false, sink, dense.data());
    matrix_gradient(team, x.data(), rows, depth, dy.data(), outputs, true, sink, sparse.data());
    expect_same_bits(dense, general);
    expect_same_bits(sparse, dense);
  }
}

TEST(SparseMatmul, PaysWhenZerosAreMany) {
  Rng rng(7, Purpose::test);
  Tensor x({20, 100});
  fill(x, 0.5, rng);
  EXPECT_TRUE(sparse_matmul_pays(x.data(), 20, 100));
  fill(x, 0.95, rng);
  EXPECT_FALSE(sparse_matmul_pays(x.data(), 20, 100));
}

}  // namespace
}  // namespace mudra
