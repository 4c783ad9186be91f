#include "mudra/core/tensor.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mudra {
namespace {

TEST(Shape, CountsElements) {
  const Shape images = {32, 28, 27, 3};
  EXPECT_EQ(images.rank(), 4);
  EXPECT_EQ(images.elements(), 72576);
  EXPECT_EQ(images.per_example(), 2268);
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape({0, 5}).elements(), 0);
  EXPECT_EQ(Shape({0, 5}).per_example(), 0);
}

TEST(Shape, HasAText) {
  EXPECT_EQ(Shape({32, 28, 27, 3}).text(), "[32, 28, 27, 3]");
  EXPECT_EQ(Shape({7}).text(), "[7]");
  EXPECT_EQ(Shape().text(), "[]");
}

TEST(Shape, IsEqualToTheSameSizesOnly) {
  EXPECT_EQ(Shape({2, 3}), Shape({2, 3}));
  EXPECT_NE(Shape({2, 3}), Shape({3, 2}));
  EXPECT_NE(Shape({2, 3}), Shape({2, 3, 1}));
}

TEST(Tensor, IsZeroAlignedAndPadded) {
  const Tensor tensor({3, 7});
  EXPECT_EQ(tensor.size(), 21);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0U);
  EXPECT_EQ(Tensor::storage_elements({3, 7}), 32U);
  EXPECT_EQ(Tensor::storage_elements({2, 8}), 16U);
  EXPECT_TRUE(std::all_of(tensor.data(), tensor.data() + 32, [](Scalar value) { return value == 0; }));
}

TEST(Tensor, WithoutMemoryIsEmpty) {
  const Tensor tensor;
  EXPECT_EQ(tensor.size(), 0);
  EXPECT_EQ(tensor.data(), nullptr);
  EXPECT_EQ(Tensor(tensor).data(), nullptr);
}

TEST(Tensor, CopiesAreDeepAlsoOfBorrowedMemory) {
  Scalar memory[16] = {1, 2, 3, 4, 5, 6};
  const Tensor view = Tensor::borrow(memory, {2, 3});
  Tensor copy = view;
  EXPECT_NE(copy.data(), memory);
  memory[4] = 50;
  EXPECT_EQ(view[4], 50);
  EXPECT_EQ(copy[4], 5);
  EXPECT_EQ(copy.shape(), Shape({2, 3}));
}

TEST(Tensor, AssignmentKeepsTheMemoryThatSuffices) {
  Tensor large({4, 9}), small({5});
  small.fill(7);
  const Scalar* memory = large.data();
  large = small;
  EXPECT_EQ(large.data(), memory);
  EXPECT_EQ(large.shape(), Shape({5}));
  EXPECT_EQ(large[4], 7);
  Tensor borrowed = Tensor::borrow(large.data(), {5});
  borrowed = small;  // must not write into what it borrowed
  EXPECT_NE(borrowed.data(), large.data());
}

TEST(Tensor, ReshapeKeepsTheValues) {
  Tensor tensor({2, 6});
  for (int64_t i = 0; i < 12; ++i) tensor[i] = static_cast<Scalar>(i);
  tensor.reshape({3, 3});
  EXPECT_EQ(tensor.size(), 9);
  EXPECT_EQ(tensor.values().back(), 8);
}

}  // namespace
}  // namespace mudra
