// Rows of a data set as float batches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/core/tensor.h"
#include "mudra/data/dataset.h"

namespace mudra {

// Batches of the images at `rows`, values 0..1. Bytes are converted once and kept when they fit in memory
// comfortably, else for every batch anew; floats in memory are taken from where they are. The data set and
// `rows` must outlive it; batch() allocates nothing.
class Batches {
 public:
  Batches(const Dataset& data, std::span<const Row> rows, int64_t batch_size);

  int64_t images() const { return static_cast<int64_t>(rows_.size()); }
  int64_t count() const { return (images() + batch_size_ - 1) / batch_size_; }
  int64_t size(int64_t batch) const;

  // The images in an order drawn from `rng`.
  void shuffle(Rng rng);

  // Images [size, H, W, C] and labels [size]; they live until the next call.
  const Tensor& batch(int64_t index);
  Tensor& copy(int64_t index);                      // the same images, for the caller to change
  std::span<const Row> row_numbers(int64_t index);  // of the data set
  std::span<const int32_t> labels(int64_t index);

 private:
  const Dataset& data_;
  std::span<const Row> rows_;
  int64_t batch_size_;
  std::vector<Row> order_;  // places in rows_; empty: as they come
  Tensor all_;              // all images, when kept
  Tensor batch_;            // a batch gathered
  Tensor view_;             // a batch that is a stretch of all_
  std::vector<int32_t> batch_labels_;
  std::vector<Row> batch_rows_;
};

}  // namespace mudra
