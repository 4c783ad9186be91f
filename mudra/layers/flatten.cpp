#include "mudra/layers/flatten.h"

#include <algorithm>

namespace mudra {
namespace {

// Moves the pixels of images [N, H, W, C], the shape of `images`, to channels first or back.
void reorder(const Flatten& layer, const Shape& images, bool back, const Tensor& from, Tensor& to,
             const Context& context) {
  if (layer.is_identity(images)) {
    if (to.data() != from.data()) std::copy_n(from.data(), from.size(), to.data());
    return;
  }
  const int64_t size = images.per_example(), channels = images[3], pixels = images[1] * images[2];
  const int64_t rows = back ? pixels : channels, columns = size / rows;
  context.team.run(images[0], [&](int64_t n) {  // a transposition
    const Scalar* source = from.data() + n * size;
    Scalar* target = to.data() + n * size;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) target[r * columns + c] = source[c * rows + r];
    }
  });
}

}  // namespace

void Flatten::infer(const Tensor& x, Tensor& y, Saved&, const Context& context) const {
  reorder(*this, x.shape(), false, x, y, context);
}

void Flatten::backward(const Pass& pass, Saved&, Tensor& dx) const {
  reorder(*this, pass.x.shape(), true, pass.dy, dx, pass.context);
}

}  // namespace mudra
