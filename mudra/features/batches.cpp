#include "mudra/features/batches.h"

#include <algorithm>
#include <numeric>

namespace mudra {
namespace {

constexpr int64_t kept_values = int64_t{1} << 26;  // 256 MiB of floats

}  // namespace

Batches::Batches(const Dataset& data, std::span<const Row> rows, int64_t batch_size)
    : data_(data),
      rows_(rows),
      batch_size_(std::min<int64_t>(batch_size, std::max<int64_t>(1, images()))),
      batch_labels_(static_cast<size_t>(batch_size_)),
      batch_rows_(static_cast<size_t>(batch_size_)) {
  Shape shape = data.pixels.shape();
  shape[0] = images();
  if (shape.elements() <= kept_values && data.pixels.is_bytes()) {
    all_ = Tensor(shape);
    for (int64_t i = 0; i < images(); ++i) {
      data.pixels.read(rows_[static_cast<size_t>(i)], all_.data() + i * shape.per_example());
    }
  }
  shape[0] = batch_size_;
  batch_ = Tensor(shape);
}

int64_t Batches::size(int64_t batch) const { return std::min(batch_size_, images() - batch * batch_size_); }

void Batches::shuffle(Rng rng) {
  order_.resize(rows_.size());
  std::iota(order_.begin(), order_.end(), Row{0});
  rng.shuffle(std::span(order_));
}

const Tensor& Batches::batch(int64_t index) {
  if (!order_.empty() || !all_.data()) return copy(index);
  Shape shape = batch_.shape();
  shape[0] = size(index);
  view_ = Tensor::borrow(all_.data() + index * batch_size_ * shape.per_example(), shape);
  return view_;
}

Tensor& Batches::copy(int64_t index) {
  Shape shape = batch_.shape();
  const int64_t pixels = shape.per_example();
  shape[0] = size(index);
  const int64_t begin = index * batch_size_;
  batch_.reshape(shape);
  for (int64_t i = 0; i < shape[0]; ++i) {
    const int64_t at = order_.empty() ? begin + i : order_[static_cast<size_t>(begin + i)];
    Scalar* to = batch_.data() + i * pixels;
    if (all_.data()) {
      std::copy_n(all_.data() + at * pixels, pixels, to);
    } else {
      data_.pixels.read(rows_[static_cast<size_t>(at)], to);
    }
  }
  return batch_;
}

std::span<const int32_t> Batches::labels(int64_t index) {
  const std::span<const Row> rows = row_numbers(index);
  for (size_t i = 0; i < rows.size(); ++i) batch_labels_[i] = data_.labels[rows[i]];
  return std::span(batch_labels_).first(rows.size());
}

std::span<const Row> Batches::row_numbers(int64_t index) {
  const auto begin = static_cast<size_t>(index * batch_size_);
  const auto count = static_cast<size_t>(size(index));
  if (order_.empty()) return rows_.subspan(begin, count);
  for (size_t i = 0; i < count; ++i) batch_rows_[i] = rows_[order_[begin + i]];
  return std::span(batch_rows_).first(count);
}

}  // namespace mudra
