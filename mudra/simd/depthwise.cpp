#include "mudra/simd/depthwise.h"

#include <algorithm>

#include "mudra/simd/add.h"
#include "mudra/simd/kernel.h"
#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/depthwise.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

// R neighbouring pixels of a line of y. x, w and y point at the first pixel's channel.
template <int R, class D>
HWY_INLINE void pixels(D d, const Scalar* HWY_RESTRICT x, const ConvShape& s, const Scalar* HWY_RESTRICT w,
                       hn::Vec<D> bias, Scalar* HWY_RESTRICT y) {
  hn::Vec<D> sum[R];
  for (int r = 0; r < R; ++r) sum[r] = hn::Zero(d);
  for (int64_t u = 0; u < s.kernel_height; ++u) {
    const Scalar* from = x + u * s.width * s.channels;
    for (int64_t v = 0; v < s.kernel_width; ++v, from += s.channels, w += panel_width) {
      const auto weight = hn::LoadU(d, w);
      for (int r = 0; r < R; ++r) {
        sum[r] = hn::MulAdd(hn::LoadU(d, from + r * s.stride * s.channels), weight, sum[r]);
      }
    }
  }
  for (int r = 0; r < R; ++r) hn::StoreU(hn::Add(sum[r], bias), d, y + r * s.channels);
}

void Depthwise(ThreadTeam& team, const Scalar* x, const ConvShape& s, const Scalar* w, const Scalar* bias,
               ActivationKind activation, Scalar* y) {
  const int64_t line = s.out_width * s.channels;
  const int64_t lines = s.images * s.out_height;
  const int64_t stretch = std::max<int64_t>(1, 4096 / line);
  team.run((lines + stretch - 1) / stretch, [&](int64_t task) {
    const int64_t begin = task * stretch, end = std::min(lines, begin + stretch);
    for (int64_t i = begin; i < end; ++i) {
      const Scalar* from =
          x + (i / s.out_height * s.height + i % s.out_height * s.stride) * s.width * s.channels;
      for_vectors(s.channels, [&](auto d, int64_t c) HWY_ATTR {
        const auto b = bias ? hn::LoadU(d, bias + c) : hn::Zero(d);
        const Scalar* weights = w + panel_index(0, c, s.taps());
        const int64_t step = s.stride * s.channels;
        int64_t j = 0;
        for (; j + 4 <= s.out_width; j += 4) {
          pixels<4>(d, from + j * step + c, s, weights, b, y + i * line + j * s.channels + c);
        }
        for (; j < s.out_width; ++j) {
          pixels<1>(d, from + j * step + c, s, weights, b, y + i * line + j * s.channels + c);
        }
      });
    }
    Scalar* const done = y + begin * line;
    activate(activation, done, (end - begin) * line, done);
  });
}

// The sums of K taps from `tap` on over some images.
template <int K, class D>
HWY_INLINE void add_taps(D d, const Scalar* x, const ConvShape& s, const Scalar* dy, int64_t begin,
                         int64_t end, int64_t tap, int64_t c, Scalar* out) {
  hn::Vec<D> sum[K];
  int64_t offset[K];
  for (int k = 0; k < K; ++k) {
    sum[k] = hn::Zero(d);
    offset[k] = ((tap + k) / s.kernel_width * s.width + (tap + k) % s.kernel_width) * s.channels;
  }
  for (int64_t n = begin; n < end; ++n) {
    for (int64_t i = 0; i < s.out_height; ++i) {
      const Scalar* from = x + (n * s.height + i * s.stride) * s.width * s.channels + c;
      const Scalar* gradients = dy + (n * s.out_height + i) * s.out_width * s.channels + c;
      for (int64_t j = 0; j < s.out_width; ++j, from += s.stride * s.channels, gradients += s.channels) {
        const auto gradient = hn::LoadU(d, gradients);
        for (int k = 0; k < K; ++k) sum[k] = hn::MulAdd(hn::LoadU(d, from + offset[k]), gradient, sum[k]);
      }
    }
  }
  for (int k = 0; k < K; ++k) hn::StoreU(sum[k], d, out + panel_index(tap + k, c, s.taps()));
}

void DepthwiseGradient(ThreadTeam& team, const Scalar* x, const ConvShape& s, const Scalar* dy,
                       const Shards& shards, Scalar* partial, Scalar* gradient) {
  const int64_t size = padded(s.channels) * s.taps();
  const ShardBegins begins = shards.begins(s.images);
  team.run(gradient_shards, [&](int64_t shard) {
    const int64_t begin = begins[static_cast<size_t>(shard)], end = begins[static_cast<size_t>(shard) + 1];
    Scalar* out = partial + shard * size;
    for_vectors(s.channels, [&](auto d, int64_t c) HWY_ATTR {
      int64_t tap = 0;
      for (; tap + 9 <= s.taps(); tap += 9) add_taps<9>(d, x, s, dy, begin, end, tap, c, out);
      for (; tap + 3 <= s.taps(); tap += 3) add_taps<3>(d, x, s, dy, begin, end, tap, c, out);
      for (; tap < s.taps(); ++tap) add_taps<1>(d, x, s, dy, begin, end, tap, c, out);
    });
  });
  add_shards(partial, size, gradient);
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(depthwise, Depthwise);
MUDRA_KERNEL(depthwise_gradient, DepthwiseGradient);

}  // namespace mudra
#endif
