#include "mudra/layers/conv2d.h"

#include <algorithm>
#include <numeric>

#include "mudra/layers/initialize.h"
#include "mudra/simd/panels.h"
#include "mudra/simd/winograd.h"

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

// Copies channels of images into images that have other channels as well, or have fewer.
void copy_channels(const Tensor& from, int64_t from_first, Tensor& to, int64_t to_first, int64_t count) {
  const int64_t from_channels = from.shape()[3], to_channels = to.shape()[3];
  const int64_t pixels = from.size() / from_channels;
  for (int64_t p = 0; p < pixels; ++p) {
    std::copy_n(from.data() + p * from_channels + from_first, count, to.data() + p * to_channels + to_first);
  }
}

Shape with_batch(Shape shape, int64_t n) {
  shape[0] = n;
  return shape;
}

}  // namespace

Conv2d::Conv2d(const Geometry& g) : geometry(g) {
  const int64_t groups = g.panel_groups();
  parameters.weight = Tensor({groups * panel_count(g.out / groups), g.depth(), panel_width});
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
  if (words.accept("groups")) {
    g.groups = words.take_count("the number of groups");
    if (g.in % g.groups != 0 || g.out % g.groups != 0) {
      words.fail(std::to_string(g.groups) + " groups divide not both the " + std::to_string(g.in) +
                     " channels and the " + std::to_string(g.out) + " filters",
                 "Any divisor of " + std::to_string(std::gcd(g.in, g.out)) + " does");
    }
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
  words.check_weights(g.kernel_height * g.kernel_width * g.in, g.out);
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
  if (g.groups != 1) text += " groups " + std::to_string(g.groups);
  return text;
}

void Conv2d::initialize(Initialization initialization, Rng& rng) {
  const Geometry& g = geometry;
  initialize_weights(parameters.list()[0], initialization, g.depth(), g.out / g.groups * g.taps(), rng);
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

bool Conv2d::can_pool(const Shape& x, bool wants_dx) const {
  const Shape y = output_shape(x);
  const ConvShape sizes = shape(x);
  return geometry.groups == 1 && y[1] >= 2 && y[2] >= 2 && y[3] % panel_width == 0 &&
         (winograd_pays(sizes) || 2 * y[2] * y[3] <= pooled_space) &&
         (!wants_dx || sparse_conv_possible(sizes));
}

Conv2d::Saved Conv2d::make_saved(const Shape& x, Mode mode) const {
  const Geometry& g = geometry;
  const Shape y = output_shape(x);
  if (g.groups > 1 && !g.is_depthwise()) {
    const Conv2d one = group(parameters, 0);
    const Shape group_x = {x[0], x[1], x[2], one.geometry.in}, group_y = {y[0], y[1], y[2], one.geometry.out};
    Saved saved = one.make_saved(group_x, mode);
    saved.group_x = Tensor(group_x);
    saved.group_y = Tensor(group_y);
    saved.group_bias = Tensor({one.geometry.out});
    if (mode == Mode::infer) return saved;
    saved.group_dx = Tensor(group_x);
    saved.group_dy = Tensor(group_y);
    return saved;
  }
  Saved saved;
  if (g.pad_height > 0 || g.pad_width > 0) {
    saved.x = Tensor({x[0], x[1] + 2 * g.pad_height, x[2] + 2 * g.pad_width, g.in});
  }
  const ConvShape sizes = shape(x);
  if (g.groups == 1 && winograd_pays(sizes)) saved.winograd = Tensor({winograd_scratch(sizes)});
  if (mode == Mode::infer) return saved;
  if (g.out % panel_width != 0) saved.dy = Tensor({x[0], y[1], y[2], padded(g.out)});
  saved.spread = Tensor({x[0], x[1] + g.kernel_height - 1, x[2] + g.kernel_width - 1, g.out});
  if (g.is_depthwise()) {
    saved.transposed = Tensor(parameters.weight.shape());
    saved.partial = Tensor({gradient_shards, padded(g.out) * g.taps()});
    return saved;
  }
  saved.transposed = Tensor({panel_count(g.in), g.taps() * g.out, panel_width});
  if (sparse_conv_possible(sizes)) saved.sparse = Tensor({sparse_conv_scratch(sizes)});
  return saved;
}

Conv2d Conv2d::group(const Parameters& whole, int64_t number) const {
  Geometry g = geometry;
  g.in /= g.groups;
  g.out /= g.groups;
  g.groups = 1;
  const Shape weights = {panel_count(g.out), g.depth(), panel_width};
  Parameters borrowed;
  borrowed.weight =
      Tensor::borrow(const_cast<Scalar*>(whole.weight.data()) + number * weights.elements(), weights);
  borrowed.geometry = g;
  return {g, std::move(borrowed)};
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

const Tensor& Conv2d::border(const Tensor& x, Saved& saved, ThreadTeam& team) const {
  if (!saved.x.data()) return x;
  saved.x.reshape(with_batch(saved.x.shape(), x.shape()[0]));
  place(team, x, geometry.pad_height, geometry.pad_width, 1, saved.x);
  return saved.x;
}

// dy, with zeros between for the stride and around, so that its convolution with the turned kernel is dx.
const Tensor& Conv2d::spread(const Tensor& dy, const Shape& x, Saved& saved, ThreadTeam& team) const {
  const Geometry& g = geometry;
  saved.spread.reshape(with_batch(saved.spread.shape(), x[0]));
  const Tensor from = Tensor::borrow(const_cast<Scalar*>(dy.data()), output_shape(x));
  place(team, from, g.kernel_height - 1 - g.pad_height, g.kernel_width - 1 - g.pad_width, g.stride,
        saved.spread);
  return saved.spread;
}

void Conv2d::infer(const Tensor& x, Tensor& y, Saved& saved, const Step& step) const {
  const Geometry& g = geometry;
  if (g.is_depthwise()) {
    return depthwise(step.team, border(x, saved, step.team).data(), shape(x.shape()),
                     parameters.weight.data(), parameters.bias.data(), step.activation, y.data());
  }
  if (g.groups > 1) {
    for (Tensor* part : {&saved.group_x, &saved.group_y}) {
      part->reshape(with_batch(part->shape(), x.shape()[0]));
    }
    for (int64_t number = 0; number < g.groups; ++number) {
      Conv2d one = group(parameters, number);
      std::copy_n(parameters.bias.data() + number * one.geometry.out, one.geometry.out,
                  saved.group_bias.data());
      one.parameters.bias = Tensor::borrow(saved.group_bias.data(), {one.geometry.out});
      copy_channels(x, number * one.geometry.in, saved.group_x, 0, one.geometry.in);
      one.infer(saved.group_x, saved.group_y, saved, step);
      copy_channels(saved.group_y, 0, y, number * one.geometry.out, one.geometry.out);
    }
    return;
  }
  const Scalar *values = border(x, saved, step.team).data(), *w = parameters.weight.data();
  const Scalar* b = parameters.bias.data();
  Scalar* winner = step.winner ? step.winner->data() : nullptr;
  if (saved.winograd.data()) {
    winograd(step.team, shape(x.shape()), values, w, b, step.activation, saved.winograd.data(),
             step.winner != nullptr, y.data(), winner);
  } else if (step.winner) {
    matmul_pooled(step.team, values, rows(x.shape()), w, g.out, b, step.activation, y.data(), winner);
  } else {
    matmul(step.team, values, rows(x.shape()), w, g.out, b, step.activation, y.data());
  }
}

// dW[o, c, u, v] = Σ dy[n, i, j, o] x[n, s i + u - p, s j + v - p, c]   db = Σ dy
// dx[n, i', j', c] = Σ over o, u, v of dy[n, i, j, o] W[o, c, u, v] where s i + u - p = i', s j + v - p = j':
// the convolution of dy, spread by the stride and bordered, with W turned by half a turn
void Conv2d::backward(const Tensor& x, const Tensor&, Saved& saved, const Tensor& dy, Tensor& dx,
                      Parameters& grad, const Step& step) const {
  const Geometry& g = geometry;
  if (g.is_depthwise()) return backward_depthwise(x, saved, dy, dx, grad, step);
  if (g.groups > 1) return backward_groups(x, saved, dy, dx, grad, step);
  const int64_t n = x.shape()[0], factor = step.winner ? 2 : 1;
  const Shape y = output_shape(x.shape());
  const OutputGradient slopes{step.winner ? dy.data() : pad_columns(dy, n * y[1] * y[2], g.out, saved.dy),
                              step.winner ? step.winner->data() : nullptr};
  const Scalar* values = saved.x.data() ? saved.x.data() : x.data();
  column_sums(slopes, n, y[1] / factor, y[2] / factor, g.out, step.shards, step.sink, grad.bias.data());
  const ConvShape sizes = shape(x.shape());
  if (saved.sparse.data() && (step.winner || sparse_conv_pays(sizes, slopes.values))) {
    return sparse_conv_backward(step.team, sizes, values, slopes, parameters.weight.data(), step.shards,
                                saved.sparse.data(), dx.data(), step.sink, grad.weight.data());
  }
  if (dx.data()) {  // before the weights can change
    transpose_panels(parameters.weight.data(), g.kernel_height * g.kernel_width, g.in, g.out,
                     saved.transposed.data());
    spread(dy, x.shape(), saved, step.team);
    const int64_t width = saved.spread.shape()[2] * g.out;
    const RowLayout layout{n,     x.shape()[1], x.shape()[2],    saved.spread.shape()[1] * width,
                           width, g.out,        g.kernel_height, g.kernel_width * g.out,
                           width};
    matmul(step.team, saved.spread.data(), layout, saved.transposed.data(), g.in, nullptr,
           ActivationKind::none, dx.data());
  }
  matmul_gradient(step.team, values, rows(x.shape()), slopes, g.out, step.shards, step.sink,
                  grad.weight.data());
}

void Conv2d::backward_groups(const Tensor& x, Saved& saved, const Tensor& dy, Tensor& dx, Parameters& grad,
                             const Step& step) const {
  for (Tensor* part : {&saved.group_x, &saved.group_dx, &saved.group_y, &saved.group_dy}) {
    part->reshape(with_batch(part->shape(), x.shape()[0]));
  }
  const Tensor slopes = Tensor::borrow(const_cast<Scalar*>(dy.data()), output_shape(x.shape()));
  for (int64_t number = 0; number < geometry.groups; ++number) {
    const Conv2d one = group(parameters, number);
    const int64_t in = one.geometry.in, out = one.geometry.out;
    Parameters part = group(grad, number).parameters;
    part.bias = Tensor::borrow(grad.bias.data() + number * out, {out});
    copy_channels(x, number * in, saved.group_x, 0, in);
    copy_channels(slopes, number * out, saved.group_dy, 0, out);
    one.border(saved.group_x, saved, step.team);
    Tensor group_dx = dx.data() ? Tensor::borrow(saved.group_dx.data(), saved.group_dx.shape()) : Tensor();
    one.backward(saved.group_x, saved.group_y, saved, saved.group_dy, group_dx, part, step);
    if (dx.data()) copy_channels(group_dx, 0, dx, number * in, in);
  }
}

// dW[c, u, v] = Σ dy[n, i, j, c] x[n, s i + u - p, s j + v - p, c]
void Conv2d::backward_depthwise(const Tensor& x, Saved& saved, const Tensor& dy, Tensor& dx, Parameters& grad,
                                const Step& step) const {
  const Geometry& g = geometry;
  const Shape y = output_shape(x.shape());
  const int64_t n = y[0], taps = g.taps();
  const Scalar* slopes = pad_columns(dy, n * y[1] * y[2], g.out, saved.dy);
  column_sums({slopes}, n, y[1], y[2], g.out, step.shards, step.sink, grad.bias.data());
  if (dx.data()) {  // before the weights can change
    for (int64_t t = 0; t < panel_count(g.out) * taps; ++t) {
      const int64_t turned = t / taps * taps + taps - 1 - t % taps;
      std::copy_n(parameters.weight.data() + t * panel_width, panel_width,
                  saved.transposed.data() + turned * panel_width);
    }
    const Tensor& from = spread(dy, x.shape(), saved, step.team);
    depthwise(step.team, from.data(),
              {n, from.shape()[1], from.shape()[2], g.out, g.kernel_height, g.kernel_width, 1, 0, 0,
               x.shape()[1], x.shape()[2], g.out},
              saved.transposed.data(), nullptr, ActivationKind::none, dx.data());
  }
  const Scalar* values = saved.x.data() ? saved.x.data() : x.data();
  // The gradient takes the place of the turned weights, which have done their work.
  depthwise_gradient(step.team, values, shape(x.shape()), dy.data(), step.shards, saved.partial.data(),
                     saved.transposed.data());
  sink_gradient(step.sink, saved.transposed.data(), saved.transposed.size(), grad.weight.data());
}

std::vector<LayerCase<Conv2d>> Conv2d::cases() {
  return {
      {Conv2d({1, 3, 3, 3, 1, 1, 1}), {3, 5, 4, 1}},       {Conv2d({2, 17, 3, 2, 1, 1, 0}), {2, 4, 5, 2}},
      {Conv2d({3, 4, 2, 3, 2, 0, 1}), {9, 5, 6, 3}},       {Conv2d({5, 2, 1, 1, 1, 0, 0}), {2, 3, 2, 5}},
      {Conv2d({6, 4, 3, 2, 2, 1, 0, 2}), {3, 5, 4, 6}},    {Conv2d({3, 3, 3, 3, 1, 1, 1, 3}), {9, 4, 6, 3}},
      {Conv2d({18, 18, 2, 5, 2, 0, 2, 18}), {2, 5, 6, 18}}};
}

}  // namespace mudra
