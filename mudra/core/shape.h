// Sizes of a tensor, first axis first; no more than four axes.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace mudra {

class Shape {
 public:
  static constexpr int max_rank = 4;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) {
    assert(sizes.size() <= max_rank);
    for (int64_t size : sizes) sizes_[rank_++] = size;
  }

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return sizes_[axis]; }
  int64_t& operator[](int axis) { return sizes_[axis]; }

  // Number of elements: 1 for a scalar (rank 0).
  int64_t elements() const {
    int64_t product = 1;
    for (int axis = 0; axis < rank_; ++axis) product *= sizes_[axis];
    return product;
  }
  // Elements of one example: all axes but the first.
  int64_t per_example() const { return rank_ == 0 || sizes_[0] == 0 ? 0 : elements() / sizes_[0]; }

  bool operator==(const Shape&) const = default;

  std::string text() const;  // "[32, 28, 28, 1]"

 private:
  std::array<int64_t, max_rank> sizes_{};
  int rank_ = 0;
};

}  // namespace mudra
