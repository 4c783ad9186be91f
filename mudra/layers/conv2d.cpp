#include "mudra/layers/conv2d.h"

#include <algorithm>

#include "mudra/layers/initialize.h"
#include "mudra/simd/panels.h"

namespace mudra {
namespace {

// Copies images [N, H, W, C] into larger ones, whose other pixels stay as they are: pixel (i, j) goes to
// (top + stride i, left + stride j).
void place(ThreadTeam& team, const Tensor& from, int64_t top, int64_t left, int64_t stride, Tensor& to) {
  const Shape& in = from.shape();
  const Shape& out = to.shape();
  const int64_t channels = in[3];
  team.run(in[0], [&](int64_t n) {
    for (int64_t i = 0; i < in[1]; ++i) {
      const Scalar* source = from.data() + (n * in[1] + i) * in[2] * channels;
      Scalar* target = to.data() + ((n * out[1] + top + stride * i) * out[2] + left) * channels;
      if (stride == 1) {
        std::copy_n(source, in[2] * channels, target);
      } else {
        for (int64_t j = 0; j < in[2]; ++j) {
          std::copy_n(source + j * channels, channels, target + stride * j * channels);
        }
      }
    }
  });
}

Shape with_batch(Shape shape, int64_t n) {
  shape[0] = n;
  return shape;
}

}  // namespace

Conv2d::Conv2d(const Geometry& g) : geometry(g) {
  parameters.weight = Tensor({panel_count(g.out), g.depth(), panel_width});
  parameters.bias = Tensor({g.out});
  parameters.geometry = g;
}

Conv2d Conv2d::parse(Words& words, const Shape& x) {
  if (x.rank() != 4) words.fail("input shape " + x.text() + " is no image: put it before `flatten`");
  Geometry g;
  g.in = x[3];
  g.out = words.take_count("the number of filters");
  std::tie(g.kernel_height, g.kernel_width) = words.take_size("the size of the kernel");
  if (words.accept("stride")) g.stride = words.take_count("the stride");
  if (words.accept("pad")) {
    g.pad_height = g.pad_width = words.take_count_or_zero("the padding");
  } else {
    g.pad_height = (g.kernel_height - 1) / 2;
    g.pad_width = (g.kernel_width - 1) / 2;
  }
  if (g.pad_height >= g.kernel_height || g.pad_width >= g.kernel_width) {
    words.fail("the padding must be smaller than the kernel");
  }
  if (x[1] + 2 * g.pad_height < g.kernel_height || x[2] + 2 * g.pad_width < g.kernel_width) {
    words.refuse("the kernel is larger than the image of " + std::to_string(x[1]) + "x" +
                     std::to_string(x[2]) + " with its padding",
                 "A kernel of at most " + std::to_string(x[1] + 2 * g.pad_height) + "x" +
                     std::to_string(x[2] + 2 * g.pad_width) + " fits here");
  }
  return Conv2d(g);
}

std::string Conv2d::text() const {
  const Geometry& g = geometry;
  std::string text = "conv " + std::to_string(g.out) + " " + std::to_string(g.kernel_height) + "x" +
                     std::to_string(g.kernel_width);
  if (g.stride != 1) text += " stride " + std::to_string(g.stride);
  if (g.pad_height != (g.kernel_height - 1) / 2 || g.pad_width != (g.kernel_width - 1) / 2) {
    text += " pad " + std::to_string(g.pad_height);
  }
  return text;
}

void Conv2d::initialize(Initialization initialization, Rng& rng) {
  const int64_t taps = geometry.kernel_height * geometry.kernel_width;
  initialize_weights(parameters.list()[0], initialization, geometry.in * taps, geometry.out * taps, rng);
  parameters.bias.fill(0);
}

Shape Conv2d::output_shape(const Shape& x) const {
  const Geometry& g = geometry;
  if (x.rank() != 4 || x[3] != g.in) {
    throw Error("input shape " + x.text() + " does not match [N, H, W, " + std::to_string(g.in) + "]", "conv",
                "Set the channels of the layer before it to " + std::to_string(g.in));
  }
  return {x[0], (x[1] + 2 * g.pad_height - g.kernel_height) / g.stride + 1,
          (x[2] + 2 * g.pad_width - g.kernel_width) / g.stride + 1, g.out};
}

int64_t Conv2d::multiply_adds(const Shape& x) const { return output_shape(x).elements() * geometry.depth(); }

Conv2d::Saved Conv2d::make_saved(const Shape& x) const {
  const Geometry& g = geometry;
  const Shape y = output_shape(x);
  Saved saved;
  if (g.pad_height > 0 || g.pad_width > 0) {
    saved.x = Tensor({x[0], x[1] + 2 * g.pad_height, x[2] + 2 * g.pad_width, g.in});
  }
  if (g.out % panel_width != 0) saved.dy = Tensor({x[0], y[1], y[2], padded(g.out)});
  saved.spread = Tensor({x[0], x[1] + g.kernel_height - 1, x[2] + g.kernel_width - 1, g.out});
  saved.transposed = Tensor({panel_count(g.in), g.kernel_height * g.kernel_width * g.out, panel_width});
  if (sparse_conv_possible(shape(x))) saved.sparse = Tensor({sparse_conv_scratch(shape(x))});
  return saved;
}

RowLayout Conv2d::rows(const Shape& x) const {
  const Geometry& g = geometry;
  const Shape y = output_shape(x);
  const int64_t width = (x[2] + 2 * g.pad_width) * g.in;
  return {x[0],
          y[1],
          y[2],
          (x[1] + 2 * g.pad_height) * width,
          g.stride * width,
          g.stride * g.in,
          g.kernel_height,
          g.kernel_width * g.in,
          width};
}

ConvShape Conv2d::shape(const Shape& x) const {
  const Geometry& g = geometry;
  const Shape y = output_shape(x);
  return {x[0],
          x[1] + 2 * g.pad_height,
          x[2] + 2 * g.pad_width,
          g.in,
          g.kernel_height,
          g.kernel_width,
          g.stride,
          g.pad_height,
          g.pad_width,
          y[1],
          y[2],
          g.out};
}

void Conv2d::infer(const Tensor& x, Tensor& y, Saved& saved, const Step& step) const {
  const Tensor* bordered = &x;
  if (saved.x.data()) {
    saved.x.reshape(with_batch(saved.x.shape(), x.shape()[0]));
    place(step.team, x, geometry.pad_height, geometry.pad_width, 1, saved.x);
    bordered = &saved.x;
  }
  matmul(step.team, bordered->data(), rows(x.shape()), parameters.weight.data(), geometry.out,
         parameters.bias.data(), step.activation, y.data());
}

// dW[o, c, u, v] = Σ dy[n, i, j, o] x[n, s i + u - p, s j + v - p, c]   db = Σ dy
// dx[n, i', j', c] = Σ over o, u, v of dy[n, i, j, o] W[o, c, u, v] where s i + u - p = i', s j + v - p = j':
// the convolution of dy, spread by the stride and bordered, with W turned by half a turn
void Conv2d::backward(const Tensor& x, const Tensor&, Saved& saved, const Tensor& dy, Tensor& dx,
                      Parameters& grad, const Step& step) const {
  const Geometry& g = geometry;
  const int64_t n = x.shape()[0];
  const Shape y = output_shape(x.shape());
  const Scalar* slopes = pad_columns(dy, n * y[1] * y[2], g.out, saved.dy);
  const Scalar* values = saved.x.data() ? saved.x.data() : x.data();
  column_sums(slopes, n, y[1] * y[2], g.out, step.sink, grad.bias.data());
  const ConvShape sizes = shape(x.shape());
  if (saved.sparse.data() && sparse_conv_pays(sizes, slopes)) {
    return sparse_conv_backward(step.team, sizes, values, slopes, parameters.weight.data(),
                                saved.sparse.data(), dx.data(), step.sink, grad.weight.data());
  }
  if (dx.data()) {  // before the weights can change
    transpose_panels(parameters.weight.data(), g.kernel_height * g.kernel_width, g.in, g.out,
                     saved.transposed.data());
    saved.spread.reshape(with_batch(saved.spread.shape(), n));
    const Tensor from = Tensor::borrow(const_cast<Scalar*>(dy.data()), output_shape(x.shape()));
    place(step.team, from, g.kernel_height - 1 - g.pad_height, g.kernel_width - 1 - g.pad_width, g.stride,
          saved.spread);
    const int64_t width = saved.spread.shape()[2] * g.out;
    const RowLayout layout{n,     x.shape()[1], x.shape()[2],    saved.spread.shape()[1] * width,
                           width, g.out,        g.kernel_height, g.kernel_width * g.out,
                           width};
    matmul(step.team, saved.spread.data(), layout, saved.transposed.data(), g.in, nullptr,
           ActivationKind::none, dx.data());
  }
  matmul_gradient(step.team, values, rows(x.shape()), slopes, g.out, step.sink, grad.weight.data());
}

std::vector<LayerCase<Conv2d>> Conv2d::cases() {
  return {{Conv2d({1, 3, 3, 3, 1, 1, 1}), {3, 5, 4, 1}},
          {Conv2d({2, 17, 3, 2, 1, 1, 0}), {2, 4, 5, 2}},
          {Conv2d({3, 4, 2, 3, 2, 0, 1}), {9, 5, 6, 3}},
          {Conv2d({5, 2, 1, 1, 1, 0, 0}), {2, 3, 2, 5}}};
}

}  // namespace mudra
