// A dense array of Scalar, row-major, either owning its memory or borrowing it from a plan.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "mudra/core/shape.h"

namespace mudra {

// float, except in the `double` preset, which exists to prove gradients.
#ifdef MUDRA_DOUBLE
using Scalar = double;
#else
using Scalar = float;
#endif

// Storage is 64-byte aligned and rounded up to 16 scalars, so that kernels may read whole vectors;
// the padding is zero when the tensor owns its memory.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(const Shape& shape);  // zero-filled
  // Views of memory that outlives them; constant memory makes a constant tensor.
  static Tensor borrow(Scalar* data, const Shape& shape);
  static const Tensor borrow(const Scalar* data, const Shape& shape);
  static size_t storage_elements(const Shape& shape);  // rounded up to 16

  Tensor(const Tensor& other);             // copies are deep and own their memory
  Tensor& operator=(const Tensor& other);  // reuses the memory when the sizes agree
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;
  ~Tensor() = default;

  const Shape& shape() const { return shape_; }
  int64_t size() const { return data_ ? shape_.elements() : 0; }
  // The same memory with another shape of no more elements (a smaller last batch).
  void reshape(const Shape& shape);

  Scalar* data() { return data_; }
  const Scalar* data() const { return data_; }
  std::span<Scalar> values() { return {data_, static_cast<size_t>(size())}; }
  std::span<const Scalar> values() const { return {data_, static_cast<size_t>(size())}; }
  Scalar& operator[](int64_t i) { return data_[i]; }
  Scalar operator[](int64_t i) const { return data_[i]; }

  void fill(Scalar value);

 private:
  struct Free {
    void operator()(Scalar* memory) const noexcept;
  };

  Shape shape_;
  Scalar* data_ = nullptr;
  size_t capacity_ = 0;  // scalars
  std::unique_ptr<Scalar[], Free> owned_;
};

}  // namespace mudra
