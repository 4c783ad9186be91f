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
  const int64_t channels = in[3], together = stride == 1 ? in[2] : 1;  // pixels
  team.run(in[0], [&](int64_t n) {
    for (int64_t i = 0; i < in[1]; ++i) {
      const Scalar* source = from.data() + (n * in[1] + i) * in[2] * channels;
      Scalar* target = to.data() + ((n * out[1] + top + stride * i) * out[2] + left) * channels;
      for (int64_t j = 0; j < in[2]; j += together) {
        std::copy_n(source + j * channels, together * channels, target + stride * j * channels);
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

// One group as a convolution of its own.
Conv2d::Geometry group_of(Conv2d::Geometry g) {
  g.in /= g.groups;
  g.out /= g.groups;
  g.groups = 1;
  return g;
}

// Scalars from the weights of one group to those of the next.
int64_t group_size(const Conv2d::Geometry& g) { return padded(g.out) * g.depth(); }

// What the kernels are told of a convolution of x.
ConvShape sizes_of(const Conv2d::Geometry& g, const Shape& x) {
  const Shape y = g.output_shape(x);
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

// The convolution of the dilated dy that gives dx of the shape of x.
ConvShape backward_sizes_of(const Conv2d::Geometry& g, const Shape& x) {
  const int64_t height = x[1] + g.kernel_height - 1, width = x[2] + g.kernel_width - 1;
  return {x[0], height, width, g.out, g.kernel_height, g.kernel_width, 1, 0, 0, x[1], x[2], g.in};
}

// The windows of the bordered input as rows of a matrix.
RowLayout rows_of(const ConvShape& s) {
  const int64_t line = s.width * s.channels;
  return {s.images,
          s.out_height,
          s.out_width,
          s.height * line,
          s.stride * line,
          s.stride * s.channels,
          s.kernel_height,
          s.kernel_width * s.channels,
          line};
}

// x with its border of zeros, when there is padding.
const Scalar* with_border(const Conv2d::Geometry& g, const Tensor& x, Conv2d::Saved& saved,
                          ThreadTeam& team) {
  if (!saved.x.data()) return x.data();
  saved.x.reshape(with_batch(saved.x.shape(), x.shape()[0]));
  place(team, x, g.pad_height, g.pad_width, 1, saved.x);
  return saved.x.data();
}

const Scalar* bordered(const Tensor& x, const Conv2d::Saved& saved) {
  return saved.x.data() ? saved.x.data() : x.data();
}

// dy with zeros between for the stride and around, so that its convolution with the turned kernel is dx.
const Scalar* dilate(const Conv2d::Geometry& g, const Pass& pass, Conv2d::Saved& saved) {
  saved.dilated.reshape(with_batch(saved.dilated.shape(), pass.x.shape()[0]));
  const Tensor images = Tensor::borrow(pass.dy.data(), g.output_shape(pass.x.shape()));
  place(pass.context.team, images, g.kernel_height - 1 - g.pad_height, g.kernel_width - 1 - g.pad_width,
        g.stride, saved.dilated);
  return saved.dilated.data();
}

// dy as the gradients' kernels read it, once backward has padded it.
OutputGradient padded_dy(const Pass& pass, const Conv2d::Saved& saved) {
  if (pass.context.argmax) return {pass.dy.data(), pass.context.argmax->data()};
  return {saved.dy.data() ? saved.dy.data() : pass.dy.data()};
}

// A convolution of all channels at once.   weight: panels of depth g.depth()   bias [out]
void convolve(const Conv2d::Geometry& g, const Scalar* weight, const Scalar* bias, const Tensor& x, Tensor& y,
              Conv2d::Saved& saved, const Context& context) {
  const ConvShape sizes = sizes_of(g, x.shape());
  const Scalar* values = with_border(g, x, saved, context.team);
  Scalar* argmax = context.argmax ? context.argmax->data() : nullptr;
  if (saved.winograd.data()) {
    winograd(context.team, sizes, values, weight, bias, context.activation, saved.winograd.data(),
             context.argmax != nullptr, y.data(), argmax);
  } else if (context.argmax) {
    matmul_pooled(context.team, values, rows_of(sizes), weight, g.out, bias, context.activation, y.data(),
                  argmax);
  } else {
    matmul(context.team, values, rows_of(sizes), weight, g.out, bias, context.activation, y.data());
  }
}

// Its dx. When dy is mostly zero, the sums of the weights' gradient are made on the same way through dy and
// stay in saved.sparse.
void convolve_backward(const Conv2d::Geometry& g, const Scalar* weight, const Pass& pass,
                       Conv2d::Saved& saved, Tensor& dx) {
  const auto& [x, y, dy, context] = pass;
  const ConvShape sizes = sizes_of(g, x.shape());
  if (!context.argmax && saved.dy.data()) pad_columns(dy, sizes.images * sizes.pixels(), g.out, saved.dy);
  const OutputGradient rows = padded_dy(pass, saved);
  saved.skips_zeros = saved.sparse.data() && (context.argmax || sparse_conv_pays(sizes, rows.values));
  if (saved.skips_zeros) {
    return sparse_conv_backward(context.team, sizes, bordered(x, saved), rows, weight, context.shards,
                                saved.sparse.data(), dx.data());
  }
  if (!dx.data()) return;
  transpose_panels(weight, g.taps(), g.in, g.out, saved.transposed.data());
  matmul(context.team, dilate(g, pass, saved), rows_of(backward_sizes_of(g, x.shape())),
         saved.transposed.data(), g.in, nullptr, ActivationKind::none, dx.data());
}

// Its gradients, to the sink.
void convolve_gradients(const Conv2d::Geometry& g, const Pass& pass, const Conv2d::Saved& saved,
                        Scalar* weight, Scalar* bias, const GradientSink& sink) {
  const auto& [x, y, dy, context] = pass;
  const ConvShape sizes = sizes_of(g, x.shape());
  const int64_t factor = context.argmax ? 2 : 1;
  const OutputGradient rows = padded_dy(pass, saved);
  column_sums(rows, sizes.images, sizes.out_height / factor, sizes.out_width / factor, g.out, context.shards,
              sink, bias);
  if (saved.skips_zeros) {
    sparse_conv_gradient(sizes, context.argmax != nullptr, saved.sparse.data(), sink, weight);
  } else {
    matmul_gradient(context.team, bordered(x, saved), rows_of(sizes), rows, g.out, context.shards, sink,
                    weight);
  }
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
  initialize_weights(list(parameters)[0], initialization, g.depth(), g.out / g.groups * g.taps(), rng);
  parameters.bias.fill(0);
}

Shape Conv2d::Geometry::output_shape(const Shape& x) const {
  return {x[0], (x[1] + 2 * pad_height - kernel_height) / stride + 1,
          (x[2] + 2 * pad_width - kernel_width) / stride + 1, out};
}

Shape Conv2d::output_shape(const Shape& x) const {
  if (x.rank() != 4 || x[3] != geometry.in) {
    const std::string channels = std::to_string(geometry.in);
    throw Error("input shape " + x.text() + " does not match [N, H, W, " + channels + "]", "conv",
                "Set the channels of the layer before it to " + channels);
  }
  return geometry.output_shape(x);
}

int64_t Conv2d::multiply_adds(const Shape& x) const { return output_shape(x).elements() * geometry.depth(); }

bool Conv2d::can_pool(const Shape& x, bool wants_dx) const {
  const ConvShape sizes = sizes_of(geometry, x);
  return geometry.groups == 1 && sizes.out_height >= 2 && sizes.out_width >= 2 &&
         sizes.outputs % panel_width == 0 &&
         (winograd_pays(sizes) || 2 * sizes.out_width * sizes.outputs <= pooled_space) &&
         (!wants_dx || sparse_conv_possible(sizes));
}

Conv2d::Saved Conv2d::make_saved(const Shape& x, Mode mode) const {
  const Geometry& g = geometry;
  const Shape y = output_shape(x);
  if (g.groups > 1 && !g.is_depthwise()) {
    const Conv2d one(group_of(g));
    const Shape group_x = {x[0], x[1], x[2], one.geometry.in}, group_y = {y[0], y[1], y[2], one.geometry.out};
    Saved saved = one.make_saved(group_x, mode);
    saved.group_x = Tensor(group_x);
    saved.group_y = Tensor(group_y);
    saved.group_bias = Tensor({one.geometry.out});
    if (mode == Mode::infer) return saved;
    saved.group_dx = Tensor(group_x);
    saved.group_dy = Tensor(group_y);
    if (mode == Mode::explain) return saved;
    saved.weight_gradient = Tensor(parameters.weight.shape());
    saved.bias_gradient = Tensor({g.out});
    return saved;
  }
  Saved saved;
  if (g.pad_height > 0 || g.pad_width > 0) {
    saved.x = Tensor({x[0], x[1] + 2 * g.pad_height, x[2] + 2 * g.pad_width, g.in});
  }
  const ConvShape sizes = sizes_of(g, x);
  if (g.groups == 1 && winograd_pays(sizes)) saved.winograd = Tensor({winograd_scratch(sizes)});
  if (mode == Mode::infer) return saved;
  saved.dilated = Tensor({x[0], x[1] + g.kernel_height - 1, x[2] + g.kernel_width - 1, g.out});
  saved.transposed = Tensor(g.is_depthwise() ? parameters.weight.shape()
                                             : Shape{panel_count(g.in), g.taps() * g.out, panel_width});
  if (mode == Mode::explain) return saved;
  if (g.out % panel_width != 0) saved.dy = Tensor({x[0], y[1], y[2], padded(g.out)});
  if (g.is_depthwise()) {
    saved.partial = Tensor({gradient_shards, padded(g.out) * g.taps()});
  } else if (sparse_conv_possible(sizes)) {
    saved.sparse = Tensor({sparse_conv_scratch(sizes)});
  }
  return saved;
}

void Conv2d::infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const {
  const Geometry& g = geometry;
  const Scalar *weight = parameters.weight.data(), *bias = parameters.bias.data();
  if (g.is_depthwise()) {
    return depthwise(context.team, with_border(g, x, saved, context.team), sizes_of(g, x.shape()), weight,
                     bias, context.activation, y.data());
  }
  if (g.groups == 1) return convolve(g, weight, bias, x, y, saved, context);
  const Geometry one = group_of(g);
  for (Tensor* tensor : {&saved.group_x, &saved.group_y}) {
    tensor->reshape(with_batch(tensor->shape(), x.shape()[0]));
  }
  for (int64_t group = 0; group < g.groups; ++group) {
    std::copy_n(bias + group * one.out, one.out, saved.group_bias.data());  // kernels read whole vectors
    copy_channels(x, group * one.in, saved.group_x, 0, one.in);
    convolve(one, weight + group * group_size(one), saved.group_bias.data(), saved.group_x, saved.group_y,
             saved, context);
    copy_channels(saved.group_y, 0, y, group * one.out, one.out);
  }
}

// dx[n, i', j', c] = Σ over o, u, v of dy[n, i, j, o] W[o, c, u, v] where s i + u - p = i', s j + v - p = j':
// the convolution of dy, dilated by the stride and bordered, with W turned by half a turn
void Conv2d::backward(const Pass& pass, Saved& saved, Tensor& dx) const {
  if (geometry.is_depthwise()) return backward_depthwise(pass, saved, dx);
  if (geometry.groups > 1) return backward_groups(pass, saved, dx);
  convolve_backward(geometry, parameters.weight.data(), pass, saved, dx);
}

// dW[o, c, u, v] = Σ dy[n, i, j, o] x[n, s i + u - p, s j + v - p, c]   db = Σ dy
void Conv2d::gradients(const Pass& pass, Saved& saved, Parameters& grad, const GradientSink& sink) const {
  const Geometry& g = geometry;
  if (g.groups == 1) {
    return convolve_gradients(g, pass, saved, grad.weight.data(), grad.bias.data(), sink);
  }
  if (!g.is_depthwise()) {
    sink_gradient(sink, saved.weight_gradient.data(), saved.weight_gradient.size(), grad.weight.data());
    sink_gradient(sink, saved.bias_gradient.data(), g.out, grad.bias.data());
    return;
  }
  const auto& [x, y, dy, context] = pass;
  const ConvShape sizes = sizes_of(g, x.shape());
  column_sums(padded_dy(pass, saved), sizes.images, sizes.out_height, sizes.out_width, g.out, context.shards,
              sink, grad.bias.data());
  // The gradient takes the place of the turned weights, which have done their work.
  depthwise_gradient(context.team, bordered(x, saved), sizes, dy.data(), context.shards, saved.partial.data(),
                     saved.transposed.data());
  sink_gradient(sink, saved.transposed.data(), saved.transposed.size(), grad.weight.data());
}

// The groups share their scratch, so each also leaves its gradients before the next one comes.
void Conv2d::backward_groups(const Pass& pass, Saved& saved, Tensor& dx) const {
  const Geometry one = group_of(geometry);
  for (Tensor* tensor : {&saved.group_x, &saved.group_dx, &saved.group_dy}) {
    tensor->reshape(with_batch(tensor->shape(), pass.x.shape()[0]));
  }
  const Tensor images = Tensor::borrow(pass.dy.data(), geometry.output_shape(pass.x.shape()));
  const Pass of_one{saved.group_x, saved.group_y, saved.group_dy, pass.context};
  Tensor nothing;
  Tensor& group_dx = dx.data() ? saved.group_dx : nothing;
  for (int64_t group = 0; group < geometry.groups; ++group) {
    const int64_t weights = group * group_size(one);
    copy_channels(pass.x, group * one.in, saved.group_x, 0, one.in);
    copy_channels(images, group * one.out, saved.group_dy, 0, one.out);
    with_border(one, saved.group_x, saved, pass.context.team);
    convolve_backward(one, parameters.weight.data() + weights, of_one, saved, group_dx);
    if (dx.data()) copy_channels(group_dx, 0, dx, group * one.in, one.in);
    if (!saved.weight_gradient.data()) continue;
    convolve_gradients(one, of_one, saved, saved.weight_gradient.data() + weights,
                       saved.bias_gradient.data() + group * one.out, GradientSink::store());
  }
}

void Conv2d::backward_depthwise(const Pass& pass, Saved& saved, Tensor& dx) const {
  const Geometry& g = geometry;
  const Shape& x = pass.x.shape();
  if (saved.dy.data()) pad_columns(pass.dy, pass.dy.size() / g.out, g.out, saved.dy);
  if (!dx.data()) return;
  for (int64_t t = 0; t < panel_count(g.out) * g.taps(); ++t) {
    const int64_t turned = t / g.taps() * g.taps() + g.taps() - 1 - t % g.taps();
    std::copy_n(parameters.weight.data() + t * panel_width, panel_width,
                saved.transposed.data() + turned * panel_width);
  }
  depthwise(pass.context.team, dilate(g, pass, saved), backward_sizes_of(g, x), saved.transposed.data(),
            nullptr, ActivationKind::none, dx.data());
}

std::vector<LayerCase<Conv2d>> Conv2d::cases() {
  return {
      {Conv2d({1, 3, 3, 3, 1, 1, 1}), {3, 5, 4, 1}},       {Conv2d({2, 17, 3, 2, 1, 1, 0}), {2, 4, 5, 2}},
      {Conv2d({3, 4, 2, 3, 2, 0, 1}), {9, 5, 6, 3}},       {Conv2d({5, 2, 1, 1, 1, 0, 0}), {2, 3, 2, 5}},
      {Conv2d({6, 4, 3, 2, 2, 1, 0, 2}), {3, 5, 4, 6}},    {Conv2d({3, 3, 3, 3, 1, 1, 1, 3}), {9, 4, 6, 3}},
      {Conv2d({18, 18, 2, 5, 2, 0, 2, 18}), {2, 5, 6, 18}}};
}

}  // namespace mudra
