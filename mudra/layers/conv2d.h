// Convolution (cross-correlation) over images:
//   y[n, i, j, o] = b[o] + sum over u, v, c of x[n, s i + u - p, s j + v - p, c] W[o, c, u, v],  x zero
//   outside x [N, H, W, in]   W [out, in, kernel height, kernel width]   b [out]   y [N, H', W', out]
// With groups, W is [out, in / groups, ...]: the first out / groups filters see the first in / groups
// channels, and so on. As many groups as channels and filters make it depthwise.
#pragma once

#include "mudra/layers/layer.h"
#include "mudra/simd/depthwise.h"
#include "mudra/simd/sparse_conv.h"

namespace mudra {

struct Conv2d : WithoutState {
  static constexpr std::string_view kind = "conv";
  static constexpr std::string_view usage = "conv FILTERS 3x3 [stride 1] [pad 1] [groups 1]";
  static constexpr bool applies_activation = true;

  struct Geometry {
    int64_t in = 1, out = 1;
    int64_t kernel_height = 3, kernel_width = 3;
    int64_t stride = 1;
    int64_t pad_height = 1, pad_width = 1;
    int64_t groups = 1;
    int64_t taps() const { return kernel_height * kernel_width; }
    int64_t depth() const { return taps() * (in / groups); }
    bool is_depthwise() const { return groups > 1 && groups == in && groups == out; }
    // Depthwise weights are panels over all channels; else every group has its own.
    int64_t panel_groups() const { return is_depthwise() ? 1 : groups; }
    Shape output_shape(const Shape& x) const;  // x [N, H, W, in]
  };
  struct Parameters {
    Tensor weight;  // panels of depth kernel height * kernel width * in
    Tensor bias;    // [out]
    Geometry geometry;
    template <class Self>
    static ParameterList<Self> list(Self& self) {
      const Geometry& g = self.geometry;
      return {{"weight",
               &self.weight,
               Decay::yes,
               {g.out, g.in / g.groups, g.kernel_height, g.kernel_width, false, g.panel_groups()}},
              {"bias", &self.bias, Decay::no}};
    }
  };
  struct Saved {
    Tensor x;                  // with its border of zeros, when there is padding
    Tensor dy;                 // outputs rounded up to 16, when out is no multiple of 16
    Tensor dilated;            // dy with stride - 1 zeros between and a border, to be convolved for dx
    Tensor transposed;         // W for dx
    Tensor sparse;             // scratch of sparse_conv_backward
    bool skips_zeros = false;  // whether backward found dy worth it
    Tensor winograd;           // scratch of winograd; without it the sum is taken in index order
    Tensor partial;            // depthwise: scratch of depthwise_gradient
    // With groups all of the above are of one group; these are its channels of x, y, dy and dx, its bias, and
    // the gradients of all groups.
    Tensor group_x, group_y, group_dy, group_dx, group_bias, weight_gradient, bias_gradient;
    int64_t bytes() const {
      return bytes_of(x, dy, dilated, transposed, sparse, winograd, partial, group_x, group_y, group_dy,
                      group_dx, group_bias, weight_gradient, bias_gradient);
    }
  };

  explicit Conv2d(const Geometry& geometry);
  Geometry geometry;
  Parameters parameters;

  // Without `pad` the output of a stride of 1 has the input's size (kernels of odd size).
  static Conv2d parse(Words& words, const Shape& x);
  std::string text() const;
  void initialize(Initialization initialization, Rng& rng);
  Shape output_shape(const Shape& x) const;
  int64_t multiply_adds(const Shape& x) const;
  bool can_pool(const Shape& x, bool wants_dx) const;  // whether context.argmax is heeded
  Saved make_saved(const Shape& x, Mode mode) const;

  void infer(const Tensor& x, Tensor& y, Saved& saved, const Context& context) const;
  void backward(const Pass& pass, Saved& saved, Tensor& dx) const;
  void gradients(const Pass& pass, Saved& saved, Parameters& grad, const GradientSink& sink) const;
  static std::vector<LayerCase<Conv2d>> cases();

 private:
  void backward_depthwise(const Pass& pass, Saved& saved, Tensor& dx) const;
  void backward_groups(const Pass& pass, Saved& saved, Tensor& dx) const;
};
static_assert(Layer<Conv2d>);

}  // namespace mudra
