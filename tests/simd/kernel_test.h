// What the tests of kernels share: inputs, outputs that nobody has written yet, and comparison with plain.h.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mudra/core/rng.h"
#include "mudra/core/tensor.h"
#include "mudra/simd/panels.h"
#include "tests/targets.h"

namespace mudra {

// Values of [-1, 1), of which a share is not zero; other ones for every number.
inline Tensor random_tensor(const Shape& shape, uint64_t number, double share = 1) {
  Rng rng(number, Purpose::test);
  Tensor tensor(shape);
  for (Scalar& value : tensor.values()) {
    value = rng.chance(share) ? static_cast<Scalar>(rng.uniform(-1, 1)) : Scalar{0};
  }
  return tensor;
}

// Weights [outputs, depth] in panels, zero beyond the last output.
inline Tensor random_panels(int64_t depth, int64_t outputs, uint64_t number) {
  const Tensor values = random_tensor({depth, outputs}, number);
  Tensor panels({panel_count(outputs), depth, panel_width});
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t o = 0; o < outputs; ++o) panels[panel_index(k, o, depth)] = values[k * outputs + o];
  }
  return panels;
}

// Rows of padded(columns), zero beyond the last column.
inline Tensor random_rows(int64_t rows, int64_t columns, uint64_t number, double share = 1) {
  const Tensor values = random_tensor({rows, columns}, number, share);
  Tensor padded_rows({rows, padded(columns)});
  for (int64_t i = 0; i < rows * columns; ++i)
    padded_rows[i / columns * padded(columns) + i % columns] = values[i];
  return padded_rows;
}

// What a kernel has not written is no number.
inline Tensor unwritten(const Shape& shape) {
  Tensor tensor(shape);
  tensor.fill(std::numeric_limits<Scalar>::quiet_NaN());
  return tensor;
}

constexpr double epsilon = static_cast<double>(std::numeric_limits<Scalar>::epsilon());

// Within bound(i) of value i.
template <class Bound>
void expect_near(const Tensor& actual, const Tensor& expected, const Bound& bound) {
  ASSERT_EQ(actual.size(), expected.size());
  for (int64_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(actual[i]), static_cast<double>(expected[i]), bound(i)) << "value " << i;
  }
}

inline void expect_same_bits(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (int64_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i], expected[i]) << "value " << i;
    ASSERT_EQ(std::signbit(actual[i]), std::signbit(expected[i])) << "value " << i;
  }
}

// The bits of sums of so many terms, where every term is one fused multiply-add. Without it a sum rounds
// twice a term, by half an epsilon of a partial sum each; no partial sum of values of [-1, 1] exceeds the
// number of terms.
inline void expect_same_sums(int64_t target, int64_t terms, const Tensor& actual, const Tensor& expected) {
  if (is_fused(target)) return expect_same_bits(actual, expected);
  const double count = static_cast<double>(terms);
  expect_near(actual, expected, [&](int64_t) { return epsilon * count * count; });
}

}  // namespace mudra
