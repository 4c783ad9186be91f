// Rows of a data set as float batches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mudra/core/tensor.h"
#include "mudra/data/dataset.h"

namespace mudra {

// Batches of the images at `rows`, values 0..1. Images are converted once and kept when they fit in memory
// comfortably, else for every batch anew. The data set must outlive it; batch() allocates nothing.
class Batches {
 public:
  Batches(const Dataset& data, std::span<const int64_t> rows, int64_t batch_size);

  int64_t images() const { return static_cast<int64_t>(rows_.size()); }
  int64_t count() const { return (images() + batch_size_ - 1) / batch_size_; }
  int64_t size(int64_t batch) const;

  // A new order of the images: order[i] is the position in `rows` of the i-th image taken.
  void reorder(std::vector<int64_t> order);

  // Images [size, H, W, C] and labels [size]; they live until the next call.
  const Tensor& batch(int64_t index);
  Tensor& copy(int64_t index);                          // the same images, for the caller to change
  std::span<const int64_t> row_numbers(int64_t index);  // of the data set
  std::span<const int32_t> labels(int64_t index);

 private:
  const Dataset& data_;
  std::vector<int64_t> rows_;
  int64_t batch_size_;
  std::vector<int64_t> order_;   // empty: as they come
  Tensor all_;                   // all images, when kept
  Tensor batch_;                 // a batch gathered
  Tensor view_;                  // a batch that is a stretch of all_
  std::vector<int32_t> labels_;  // of rows_
  std::vector<int32_t> batch_labels_;
  std::vector<int64_t> batch_rows_;
};

}  // namespace mudra
