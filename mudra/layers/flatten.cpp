#include "mudra/layers/flatten.h"

#include <algorithm>

namespace mudra {
namespace {

// to[r, c] = from[c, r] for a matrix `from` [columns, rows]
void transpose(const Scalar* from, int64_t rows, int64_t columns, Scalar* to) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[r * columns + c] = from[c * rows + r];
  }
}

}  // namespace

void Flatten::infer(const Tensor& x, Tensor& y, Saved&, const Context& context) const {
  const Shape& shape = x.shape();
  if (is_identity(shape)) {
    if (y.data() != x.data()) std::copy_n(x.data(), x.size(), y.data());
    return;
  }
  const int64_t size = shape.per_example();
  context.team.run(shape[0], [&](int64_t n) {
    transpose(x.data() + n * size, shape[3], shape[1] * shape[2], y.data() + n * size);
  });
}

void Flatten::backward(const Tensor& x, const Tensor&, Saved&, const Tensor& dy, Tensor& dx,
                       const Context& context) const {
  const Shape& shape = x.shape();
  if (is_identity(shape)) {
    if (dx.data() != dy.data()) std::copy_n(dy.data(), dy.size(), dx.data());
    return;
  }
  const int64_t size = shape.per_example();
  context.team.run(shape[0], [&](int64_t n) {
    transpose(dy.data() + n * size, shape[1] * shape[2], shape[3], dx.data() + n * size);
  });
}

}  // namespace mudra
