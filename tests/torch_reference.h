// What tests/reference/torch_layers.py writes, in Mudra's order.
#pragma once

#include <cmath>
#include <limits>
#include <sstream>

#include "mudra/layers/layers.h"
#include "tests/reference.h"

namespace mudra {

#define MUDRA_NEEDS_TORCH() \
  if (!python_has("torch")) GTEST_SKIP() << "PyTorch is not installed for /usr/bin/python3"

inline std::vector<double> reference(const std::filesystem::path& folder, const std::string& name) {
  return read_raw<double>(folder / (name + ".f64"));
}

// The fields of every line of cases.txt.
inline std::vector<std::vector<std::string>> reference_cases(const std::filesystem::path& folder) {
  std::vector<std::vector<std::string>> cases;
  std::ifstream in(folder / "cases.txt");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    cases.emplace_back();
    for (std::string field; std::getline(fields, field, ';');) cases.back().push_back(field);
  }
  return cases;
}

// Calls visit(channels-first index, channels-last index) for every value.
template <class Visit>
void for_each_pixel(const Shape& last, Visit visit) {
  const int64_t channels = last[last.rank() - 1];
  const int64_t pixels = last.per_example() / channels;
  for (int64_t n = 0; n < last[0]; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < pixels; ++p) {
        visit((n * channels + c) * pixels + p, (n * pixels + p) * channels + c);
      }
    }
  }
}

inline Tensor channels_last(const std::vector<double>& first, const Shape& shape) {
  Tensor tensor(shape);
  EXPECT_EQ(static_cast<int64_t>(first.size()), shape.elements());
  for_each_pixel(shape, [&](int64_t from, int64_t to) {
    tensor[to] = static_cast<Scalar>(first[static_cast<size_t>(from)]);
  });
  return tensor;
}

// Every value within `tolerance` of the expected one, relative to the largest expected (at least 1).
template <class Found>
void expect_close(const Found& found, const std::vector<double>& expected, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double largest = 1;
  for (const double value : expected) largest = std::max(largest, std::fabs(value));
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(found[i]), expected[i], tolerance * largest) << what << " " << i;
  }
}

inline std::vector<double> channels_first(const Tensor& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  for_each_pixel(tensor.shape(), [&](int64_t to, int64_t from) {
    values[static_cast<size_t>(to)] = static_cast<double>(tensor[from]);
  });
  return values;
}

inline void spoil(Tensor& tensor) { tensor.fill(std::numeric_limits<Scalar>::quiet_NaN()); }

}  // namespace mudra
