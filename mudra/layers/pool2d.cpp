#include "mudra/layers/pool2d.h"

#include <algorithm>

namespace mudra {
namespace {

// Calls visit(offset of the window's first value in x, offset of its value in y) for every window of image n.
template <class Visit>
void for_each_window(const Window& window, const Shape& x, const Shape& y, int64_t n, Visit visit) {
  const int64_t channels = x[3];
  for (int64_t i = 0; i < y[1]; ++i) {
    for (int64_t j = 0; j < y[2]; ++j) {
      visit(((n * x[1] + i * window.stride) * x[2] + j * window.stride) * channels,
            ((n * y[1] + i) * y[2] + j) * channels);
    }
  }
}

// Calls visit(offset from the window's first value) for every pixel of a window.
template <class Visit>
void for_each_tap(const Window& window, const Shape& x, Visit visit) {
  for (int64_t u = 0; u < window.height; ++u) {
    for (int64_t v = 0; v < window.width; ++v) visit((u * x[2] + v) * x[3]);
  }
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
    words.fail("the window is larger than the image of " + std::to_string(x[1]) + "x" + std::to_string(x[2]));
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

void MaxPool2d::forward(const Tensor& x, Tensor& y, Saved& saved, const Step& step) const {
  const Shape shape = output_shape(x.shape());
  const int64_t channels = shape[3];
  step.team.run(shape[0], [&](int64_t n) {
    for_each_window(window, x.shape(), shape, n, [&](int64_t first, int64_t at) {
      Scalar* best = y.data() + at;
      int32_t* winner = saved.winner.data() + at;
      std::copy_n(x.data() + first, channels, best);
      std::fill_n(winner, channels, 0);
      for_each_tap(window, x.shape(), [&](int64_t tap) {
        const Scalar* value = x.data() + first + tap;
        for (int64_t c = 0; c < channels; ++c) {
          const bool wins = !(value[c] <= best[c]);  // a NaN wins
          best[c] = wins ? value[c] : best[c];
          winner[c] = wins ? static_cast<int32_t>(tap) : winner[c];
        }
      });
    });
  });
}

// dx of the winner += dy
void MaxPool2d::backward(const Tensor& x, const Tensor&, Saved& saved, const Tensor& dy, Tensor& dx,
                         Parameters&, const Step& step) const {
  if (!dx.data()) return;
  const Shape shape = output_shape(x.shape());
  const int64_t size = x.shape().per_example();
  step.team.run(shape[0], [&](int64_t n) {
    std::fill_n(dx.data() + n * size, size, Scalar{0});
    for_each_window(window, x.shape(), shape, n, [&](int64_t first, int64_t at) {
      for (int64_t c = 0; c < shape[3]; ++c) {
        dx[first + saved.winner[static_cast<size_t>(at + c)] + c] += dy[at + c];
      }
    });
  });
}

std::vector<LayerCase<MaxPool2d>> MaxPool2d::cases() {
  return {{{{2, 2, 2}, {}, {}}, {3, 4, 6, 5}}, {{{3, 2, 1}, {}, {}}, {2, 5, 4, 3}}};
}

void AveragePool2d::forward(const Tensor& x, Tensor& y, Saved&, const Step& step) const {
  const Shape shape = output_shape(x.shape());
  const int64_t channels = shape[3];
  const Scalar share = Scalar{1} / static_cast<Scalar>(window.height * window.width);
  step.team.run(shape[0], [&](int64_t n) {
    for_each_window(window, x.shape(), shape, n, [&](int64_t first, int64_t at) {
      Scalar* sum = y.data() + at;
      std::fill_n(sum, channels, Scalar{0});
      for_each_tap(window, x.shape(), [&](int64_t tap) {
        for (int64_t c = 0; c < channels; ++c) sum[c] += x[first + tap + c];
      });
      for (int64_t c = 0; c < channels; ++c) sum[c] *= share;
    });
  });
}

// dx = Σ over the windows a pixel is in of dy / window size
void AveragePool2d::backward(const Tensor& x, const Tensor&, Saved&, const Tensor& dy, Tensor& dx,
                             Parameters&, const Step& step) const {
  if (!dx.data()) return;
  const Shape shape = output_shape(x.shape());
  const int64_t size = x.shape().per_example();
  const Scalar share = Scalar{1} / static_cast<Scalar>(window.height * window.width);
  step.team.run(shape[0], [&](int64_t n) {
    std::fill_n(dx.data() + n * size, size, Scalar{0});
    for_each_window(window, x.shape(), shape, n, [&](int64_t first, int64_t at) {
      for_each_tap(window, x.shape(), [&](int64_t tap) {
        for (int64_t c = 0; c < shape[3]; ++c) dx[first + tap + c] += dy[at + c] * share;
      });
    });
  });
}

std::vector<LayerCase<AveragePool2d>> AveragePool2d::cases() {
  return {{{{2, 2, 2}, {}, {}}, {3, 4, 6, 5}}, {{{3, 2, 1}, {}, {}}, {2, 5, 4, 3}}};
}

}  // namespace mudra
