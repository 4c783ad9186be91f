// Sums, means and scales over columns and rows are those of plain.h on every instruction set.
#include "mudra/simd/normalize.h"

#include "mudra/simd/plain.h"
#include "tests/simd/kernel_test.h"

namespace mudra {
namespace {

const std::vector<PixelRows> sizes = {{9, 6, 37}, {5, 1, 16}, {33, 4, 3}, {8, 35, 130}};

Shape shape_of(const PixelRows& size) { return {size.rows(), size.columns}; }

// Without fused multiply-add a value rounds once more for every term of a sum, and sums are divided by a
// variance here.
void expect_same_values(int64_t target, const PixelRows& size, const Tensor& actual, const Tensor& expected) {
  if (is_fused(target)) return expect_same_bits(actual, expected);
  const double terms = static_cast<double>(size.rows() + size.columns);
  expect_near(actual, expected,
              [&](int64_t i) { return terms * epsilon * (10 + std::abs(static_cast<double>(expected[i]))); });
}

template <class Test>
void for_each_size(const Test& test) {
  for_each_target([&](int64_t target) {
    ThreadTeam team(2);
    for (const PixelRows& size : sizes) test(target, team, size);
  });
}

TEST(Columns, MomentsArePlain) {
  for_each_size([](int64_t target, ThreadTeam& team, const PixelRows& size) {
    const Tensor x = random_tensor(shape_of(size), 1);
    Tensor partial = unwritten({8, size.columns}), mean = unwritten({size.columns}), variance = mean;
    Tensor expected_mean = mean, expected_variance = mean;
    plain::column_moments(x.data(), size, expected_mean.data(), expected_variance.data());
    sum_columns(team, x.data(), size, nullptr, {}, partial.data(), mean.data());
    for (Scalar& value : mean.values()) value /= static_cast<Scalar>(size.rows());
    sum_columns(team, x.data(), size, expected_mean.data(), {}, partial.data(), variance.data());
    for (Scalar& value : variance.values()) value /= static_cast<Scalar>(size.rows());
    expect_same_values(target, size, mean, expected_mean);
    expect_same_values(target, size, variance, expected_variance);
  });
}

TEST(Columns, ScaleAndItsGradientArePlain) {
  for_each_size([](int64_t target, ThreadTeam& team, const PixelRows& size) {
    const Tensor x = random_tensor(shape_of(size), 1), dy = random_tensor(shape_of(size), 2);
    const Tensor mean = random_tensor({size.columns}, 3), scale = random_tensor({size.columns}, 4);
    const Tensor shift = random_tensor({size.columns}, 5), slope = random_tensor({size.columns}, 6);
    Tensor y = unwritten(x.shape()), expected = y;
    plain::scale_columns(x.data(), size, mean.data(), scale.data(), shift.data(), expected.data());
    activate(ActivationKind::relu, expected.data(), expected.size(), expected.data());
    scale_columns(team, x.data(), size, mean.data(), scale.data(), shift.data(), ActivationKind::relu,
                  y.data());
    expect_same_values(target, size, y, expected);
    Tensor dx = unwritten(x.shape()), expected_dx = dx;
    plain::scale_columns_backward(x.data(), dy.data(), size, mean.data(), scale.data(), shift.data(),
                                  slope.data(), expected_dx.data());
    scale_columns_backward(team, x.data(), dy.data(), size, mean.data(), scale.data(), shift.data(),
                           slope.data(), dx.data());
    expect_same_values(target, size, dx, expected_dx);
    Tensor partial = unwritten({8, 2, size.columns}), sum = unwritten({size.columns}), product = sum;
    Tensor expected_sum = sum, expected_product = sum;
    plain::column_gradients(x.data(), dy.data(), size, mean.data(), expected_sum.data(),
                            expected_product.data());
    column_gradients(team, x.data(), dy.data(), size, mean.data(), {}, partial.data(), sum.data(),
                     product.data());
    expect_same_values(target, size, sum, expected_sum);
    expect_same_values(target, size, product, expected_product);
  });
}

TEST(Rows, NormalizationAndItsGradientsArePlain) {
  for_each_size([](int64_t target, ThreadTeam& team, const PixelRows& size) {
    const Tensor x = random_tensor(shape_of(size), 1), dy = random_tensor(shape_of(size), 2);
    const Tensor weight = random_tensor({size.columns}, 3), bias = random_tensor({size.columns}, 4);
    Tensor mean = unwritten({size.rows()}), inverse = mean, y = unwritten(x.shape());
    Tensor expected_mean = mean, expected_inverse = mean, expected = y;
    plain::normalize_rows(x.data(), size, Scalar{0.125}, weight.data(), bias.data(), expected_mean.data(),
                          expected_inverse.data(), expected.data());
    activate(ActivationKind::relu, expected.data(), expected.size(), expected.data());
    normalize_rows(team, x.data(), size, Scalar{0.125}, weight.data(), bias.data(), ActivationKind::relu,
                   mean.data(), inverse.data(), y.data());
    expect_same_values(target, size, mean, expected_mean);
    expect_same_values(target, size, inverse, expected_inverse);
    expect_same_values(target, size, y, expected);
    Tensor dx = unwritten(x.shape()), expected_dx = dx;
    plain::normalize_rows_backward(x.data(), dy.data(), size, weight.data(), expected_mean.data(),
                                   expected_inverse.data(), expected_dx.data());
    normalize_rows_backward(team, x.data(), dy.data(), size, weight.data(), mean.data(), inverse.data(),
                            dx.data());
    expect_same_values(target, size, dx, expected_dx);
    Tensor partial = unwritten({8, 2, size.columns}), sum = unwritten({size.columns}), product = sum;
    Tensor expected_sum = sum, expected_product = sum;
    plain::row_norm_gradients(x.data(), dy.data(), size, expected_mean.data(), expected_inverse.data(),
                              expected_sum.data(), expected_product.data());
    row_norm_gradients(team, x.data(), dy.data(), size, mean.data(), inverse.data(), {}, partial.data(),
                       sum.data(), product.data());
    expect_same_values(target, size, sum, expected_sum);
    expect_same_values(target, size, product, expected_product);
  });
}

TEST(Rows, MeanOfAnImageIsPlain) {
  for_each_size([](int64_t target, ThreadTeam& team, const PixelRows& size) {
    const Tensor x = random_tensor(shape_of(size), 1), dy = random_tensor({size.images, size.columns}, 2);
    Tensor y = unwritten(dy.shape()), expected = y;
    plain::mean_of_rows(x.data(), size, expected.data());
    mean_of_rows(team, x.data(), size, y.data());
    expect_same_values(target, size, y, expected);
    Tensor dx = unwritten(x.shape()), expected_dx = dx;
    plain::mean_of_rows_backward(dy.data(), size, expected_dx.data());
    mean_of_rows_backward(team, dy.data(), size, dx.data());
    expect_same_values(target, size, dx, expected_dx);
  });
}

}  // namespace
}  // namespace mudra
