#include "mudra/layers/pool2d.h"

#include "mudra/simd/pool.h"

namespace mudra {
namespace {

PoolShape pool_shape(const Window& window, const Shape& x) {
  const Shape y = window.output_shape(x);
  return {x[1], x[2], x[3], window.height, window.width, window.stride, y[1], y[2]};
}

}  // namespace

Window Window::parse(Words& words, const Shape& x) {
  if (x.rank() != 4) words.fail("input shape " + x.text() + " is no image: put it before `flatten`");
  Window window;
  std::tie(window.height, window.width) = words.take_size("the size of the window");
  window.stride = window.height;
  if (words.accept("stride")) {
    window.stride = words.take_count("the stride");
  } else if (window.height != window.width) {
    words.fail("a window that is no square needs a stride");
  }
  if (window.height > x[1] || window.width > x[2]) {
    const std::string size = std::to_string(x[1]) + "x" + std::to_string(x[2]);
    words.refuse("the window is larger than the image of " + size,
                 "A window of at most " + size + " fits here: take away a pool or stride before it");
  }
  return window;
}

std::string Window::text() const {
  if (height == width && stride == height) return std::to_string(height);
  return std::to_string(height) + "x" + std::to_string(width) + " stride " + std::to_string(stride);
}

Shape Window::output_shape(const Shape& x) const {
  if (x.rank() != 4 || x[1] < height || x[2] < width) {
    throw Error("input shape " + x.text() + " has no window of " + text(), "pool", "Use a smaller window");
  }
  return {x[0], (x[1] - height) / stride + 1, (x[2] - width) / stride + 1, x[3]};
}

template <PoolKind Kind>
void Pool2d<Kind>::infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
  const PoolShape shape = pool_shape(window, x.shape());
  context.team.run(x.shape()[0], [&](int64_t n) {
    const Scalar* from = x.data() + n * shape.x_size();
    const int64_t at = n * shape.y_size();
    if constexpr (is_max) {
      max_pool(shape, from, y.data() + at, saved.argmax.data() ? saved.argmax.data() + at : nullptr);
    } else {
      average_pool(shape, from, y.data() + at);
    }
  });
}

// Of a maximum, dx[argmax] += dy; of a mean, dx = Σ over the windows a pixel is in of dy / window size
template <PoolKind Kind>
void Pool2d<Kind>::backward(const Pass& pass, Saved& saved, Tensor& dx) const {
  const PoolShape shape = pool_shape(window, pass.x.shape());
  pass.context.team.run(pass.x.shape()[0], [&](int64_t n) {
    Scalar* to = dx.data() + n * shape.x_size();
    const int64_t at = n * shape.y_size();
    if constexpr (is_max) {
      max_pool_backward(shape, saved.argmax.data() + at, pass.dy.data() + at, to);
    } else {
      average_pool_backward(shape, pass.dy.data() + at, to);
    }
  });
}

template struct Pool2d<PoolKind::max>;
template struct Pool2d<PoolKind::average>;

}  // namespace mudra
