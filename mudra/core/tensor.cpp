#include "mudra/core/tensor.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace mudra {
namespace {
constexpr std::align_val_t alignment{64};
}

void Tensor::Free::operator()(Scalar* memory) const noexcept { ::operator delete[](memory, alignment); }

size_t Tensor::storage_elements(const Shape& shape) {
  return (static_cast<size_t>(shape.elements()) + 15) / 16 * 16;
}

Tensor::Tensor(const Shape& shape) : shape_(shape), capacity_(storage_elements(shape)) {
  owned_.reset(static_cast<Scalar*>(::operator new[](capacity_ * sizeof(Scalar), alignment)));
  data_ = owned_.get();
  std::fill_n(data_, capacity_, Scalar{0});
}

Tensor Tensor::borrow(Scalar* data, const Shape& shape) {
  Tensor view;
  view.shape_ = shape;
  view.data_ = data;
  view.capacity_ = storage_elements(shape);
  return view;
}

// The tensor is constant, so nobody writes through it.
const Tensor Tensor::borrow(const Scalar* data, const Shape& shape) {
  return borrow(const_cast<Scalar*>(data), shape);
}

Tensor::Tensor(const Tensor& other) { *this = other; }

Tensor& Tensor::operator=(const Tensor& other) {
  if (this == &other) return *this;
  if (!other.data_) {
    *this = Tensor();
    return *this;
  }
  if (!owned_ || capacity_ < storage_elements(other.shape_)) *this = Tensor(other.shape_);
  shape_ = other.shape_;
  std::memcpy(data_, other.data_, static_cast<size_t>(shape_.elements()) * sizeof(Scalar));
  return *this;
}

void Tensor::reshape(const Shape& shape) {
  assert(static_cast<size_t>(shape.elements()) <= capacity_);
  shape_ = shape;
}

void Tensor::fill(Scalar value) { std::fill_n(data_, shape_.elements(), value); }

}  // namespace mudra
