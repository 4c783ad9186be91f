#include "mudra/simd/winograd.h"

#include <algorithm>

#include "mudra/simd/kernel.h"
#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/winograd.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/pool-inl.h"
#include "mudra/simd/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

constexpr int places = 16;              // of a 4x4 patch
constexpr int64_t patch_space = 14336;  // scalars: transformed patches of a strip of tiles
constexpr int64_t strip_most = 14;      // tiles

// The weights' 16 places of one panel: G g Gᵀ, to [16][panels][channels][16].
void transform_weights(const ConvShape& s, const Scalar* HWY_RESTRICT w, int64_t panel,
                       Scalar* HWY_RESTRICT to) {
  const D d;
  const V half = hn::Set(d, Scalar{0.5});
  const int64_t place_stride = panel_count(s.outputs) * s.channels * panel_width;
  w += panel * 9 * s.channels * panel_width;
  to += panel * s.channels * panel_width;
  for (int64_t i = 0; i < s.channels * panel_width; i += lanes) {
    V rows[4][3];
    unroll<3>([&](auto v) MUDRA_INLINE {
      const auto tap = [&](int64_t u) MUDRA_INLINE {
        return hn::Load(d, w + (u * 3 + v) * s.channels * panel_width + i);
      };
      const V outer = hn::Add(tap(0), tap(2));
      rows[0][v] = tap(0);
      rows[1][v] = hn::Mul(half, hn::Add(outer, tap(1)));
      rows[2][v] = hn::Mul(half, hn::Sub(outer, tap(1)));
      rows[3][v] = tap(2);
    });
    unroll<4>([&](auto u) MUDRA_INLINE {
      const V outer = hn::Add(rows[u][0], rows[u][2]);
      const V columns[4] = {rows[u][0], hn::Mul(half, hn::Add(outer, rows[u][1])),
                            hn::Mul(half, hn::Sub(outer, rows[u][1])), rows[u][2]};
      unroll<4>([&](auto v) MUDRA_INLINE { hn::Store(columns[v], d, to + (u * 4 + v) * place_stride + i); });
    });
  }
}

// Bᵀ d B of one patch, whose value (u, v) of some channels `load` gives: to `to`, places `stride` apart.
template <class Load>
HWY_INLINE void transform_patch(Load load, Scalar* HWY_RESTRICT to, int64_t stride) {
  const D d;
  V rows[4][4];
  unroll<4>([&](auto v) MUDRA_INLINE {
    const V a = load(0, v), b = load(1, v), c = load(2, v), e = load(3, v);
    rows[0][v] = hn::Sub(a, c);
    rows[1][v] = hn::Add(b, c);
    rows[2][v] = hn::Sub(c, b);
    rows[3][v] = hn::Sub(b, e);
  });
  unroll<4>([&](auto u) MUDRA_INLINE {
    hn::Store(hn::Sub(rows[u][0], rows[u][2]), d, to + (u * 4 + 0) * stride);
    hn::Store(hn::Add(rows[u][1], rows[u][2]), d, to + (u * 4 + 1) * stride);
    hn::Store(hn::Sub(rows[u][2], rows[u][1]), d, to + (u * 4 + 2) * stride);
    hn::Store(hn::Sub(rows[u][1], rows[u][3]), d, to + (u * 4 + 3) * stride);
  });
}

struct Winograd {
  const ConvShape& s;
  const Scalar* weights;  // transformed
  const Scalar* bias;
  ActivationKind activation;
  bool pools;
  int64_t tile_columns, tile_rows;  // of an image

  // Tiles [first, first + count) of the image x, to patches [16][count][channels].
  void patches(const Scalar* HWY_RESTRICT x, int64_t first, int64_t count, Scalar* HWY_RESTRICT to) const {
    const D d;
    const int64_t line = s.width * s.channels, stride = count * s.channels;
    for (int64_t t = first; t < first + count; ++t) {
      const int64_t top = t / tile_columns * 2, left = t % tile_columns * 2;
      const Scalar* corner = x + top * line + left * s.channels;
      const bool whole = top + 4 <= s.height && left + 4 <= s.width;
      for (int64_t c = 0; c < s.channels; c += lanes, to += lanes) {
        const auto at = [&](int64_t u, int64_t v)
                            MUDRA_INLINE { return hn::LoadU(d, corner + u * line + v * s.channels + c); };
        if (whole) {
          transform_patch(at, to, stride);
        } else {  // what lies beyond x is not asked for
          transform_patch(
              [&](int64_t u, int64_t v)
                  MUDRA_INLINE { return top + u < s.height && left + v < s.width ? at(u, v) : hn::Zero(d); },
              to, stride);
        }
      }
    }
  }

  // products [16][count][P * 16] of the patches with P panels of weights.
  template <int P>
  void products(const Scalar* HWY_RESTRICT patches, int64_t count, int64_t panel,
                Scalar* HWY_RESTRICT to) const {
    RowLayout rows = RowLayout::matrix(count, s.channels);
    rows.row_stride = s.channels;
    const int64_t panel_stride = s.channels * panel_width;
    const int64_t place_stride = panel_count(s.outputs) * panel_stride;
    for (int64_t place = 0; place < places; ++place) {
      const Scalar* from = patches + place * count * s.channels;
      const Scalar* w = weights + place * place_stride + panel * panel_stride;
      for_tiles<P>(count, [&](auto r, int64_t first) MUDRA_INLINE {
        product<r, P>(from + first * s.channels, rows, w, panel_stride,
                      to + (place * count + first) * P * panel_width);
      });
    }
  }

  template <int R, int P>
  static HWY_NOINLINE void product(const Scalar* HWY_RESTRICT x, const RowLayout& rows,
                                   const Scalar* HWY_RESTRICT w, int64_t panel_stride,
                                   Scalar* HWY_RESTRICT to) {
    const D d;
    V sum[R * P * parts];
    product_tile<R, P>(x, rows, w, panel_stride, sum);
    unroll<R * P * parts>([&](auto i) MUDRA_INLINE { hn::Store(sum[i], d, to + i * lanes); });
  }

  // y of some tiles of an image.
  template <int P>
  void finish(const Scalar* HWY_RESTRICT products, int64_t first, int64_t count, int64_t panel,
              Scalar* HWY_RESTRICT y, Scalar* HWY_RESTRICT argmax) const {
    const D d;
    constexpr int64_t width = P * panel_width;
    const int64_t channel = panel * panel_width;
    for (int64_t t = first; t < first + count; ++t, products += width) {
      HWY_ALIGN Scalar values[4][width];  // of the tile
      unroll<P * parts>([&](auto p) MUDRA_INLINE {
        V out[4];
        tile(products + p * lanes, count * width, channel + p * lanes, out);
        unroll<4>([&](auto n) MUDRA_INLINE { hn::Store(out[n], d, values[n] + p * lanes); });
      });
      if (activation != ActivationKind::none && activation != ActivationKind::relu) {
        activate(activation, values[0], 4 * width, values[0]);
      }
      if (pools) {
        unroll<P * parts>([&](auto p) MUDRA_INLINE {
          const int64_t at = t * s.outputs + channel + p * lanes;
          const auto load = [&](int n) MUDRA_INLINE { return hn::Load(d, values[n] + p * lanes); };
          pool_two(d, load, y + at, argmax ? argmax + at : nullptr);
        });
        continue;
      }
      const int64_t i = t / tile_columns, j = t % tile_columns, kept = std::min(width, s.outputs - channel);
      for (int64_t u = 0; u < std::min<int64_t>(2, s.out_height - 2 * i); ++u) {
        for (int64_t v = 0; v < std::min<int64_t>(2, s.out_width - 2 * j); ++v) {
          std::copy_n(values[u * 2 + v], kept,
                      y + ((2 * i + u) * s.out_width + 2 * j + v) * s.outputs + channel);
        }
      }
    }
  }

  // Aᵀ m A, the bias and a ReLU for one vector of outputs.
  HWY_INLINE void tile(const Scalar* HWY_RESTRICT products, int64_t stride, int64_t channel,
                       V (&out)[4]) const {
    const D d;
    const V b = bias ? hn::LoadU(d, bias + channel) : hn::Zero(d);
    V rows[2][4];
    unroll<4>([&](auto v) MUDRA_INLINE {
      const auto m = [&](int64_t u) MUDRA_INLINE { return hn::Load(d, products + (u * 4 + v) * stride); };
      const V middle = m(1), lower = m(2);
      rows[0][v] = hn::Add(hn::Add(m(0), middle), lower);
      rows[1][v] = hn::Sub(hn::Sub(middle, lower), m(3));
    });
    unroll<2>([&](auto u) MUDRA_INLINE {
      out[2 * u] = hn::Add(hn::Add(hn::Add(rows[u][0], rows[u][1]), rows[u][2]), b);
      out[2 * u + 1] = hn::Add(hn::Sub(hn::Sub(rows[u][1], rows[u][2]), rows[u][3]), b);
    });
    if (activation == ActivationKind::relu) {
      const V floor = hn::Zero(d);
      unroll<4>([&](auto n) MUDRA_INLINE {  // a NaN stays
        out[n] = hn::IfThenElse(hn::Lt(out[n], floor), floor, out[n]);
      });
    }
  }

  // A strip of tiles of an image.
  void strip(const Scalar* x, int64_t first, int64_t count, Scalar* y, Scalar* argmax) const {
    HWY_ALIGN Scalar patch[patch_space];
    HWY_ALIGN Scalar product[places * strip_most * wide * panel_width];
    patches(x, first, count, patch);
    for (int64_t panel = 0; panel < panel_count(s.outputs); panel += wide) {
      with_constant<wide>(std::min<int64_t>(wide, panel_count(s.outputs) - panel), [&](auto p) MUDRA_INLINE {
        products<p>(patch, count, panel, product);
        finish<p>(product, first, count, panel, y, argmax);
      });
    }
  }
};

void RunWinograd(ThreadTeam& team, const ConvShape& s, const Scalar* x, const Scalar* w, const Scalar* bias,
                 ActivationKind activation, Scalar* scratch, bool pools, Scalar* y, Scalar* argmax) {
  team.run(panel_count(s.outputs), [&](int64_t panel) { transform_weights(s, w, panel, scratch); });
  const int64_t beyond = pools ? 0 : 1;  // tiles that are partly outside count, too
  const Winograd winograd{
      s, scratch, bias, activation, pools, (s.out_width + beyond) / 2, (s.out_height + beyond) / 2};
  const int64_t tiles = winograd.tile_rows * winograd.tile_columns;
  const int64_t most = std::min(strip_most, patch_space / (places * s.channels));
  const int64_t strips = (tiles + most - 1) / most;
  const int64_t y_size = pools ? tiles * s.outputs : s.pixels() * s.outputs;
  team.run(s.images * strips, [&](int64_t task) {
    const int64_t image = task / strips, strip = task % strips;
    const int64_t first = tiles * strip / strips, count = tiles * (strip + 1) / strips - first;
    winograd.strip(x + image * s.height * s.width * s.channels, first, count, y + image * y_size,
                   argmax ? argmax + image * y_size : nullptr);
  });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

bool winograd_pays(const ConvShape& s) {
  // With fewer tiles an image, transforming the weights costs what the products save.
  constexpr int64_t least_tiles = 9, most_channels = 256;
  return s.kernel_height == 3 && s.kernel_width == 3 && s.stride == 1 && s.channels % panel_width == 0 &&
         s.channels <= most_channels && (s.out_height + 1) / 2 * ((s.out_width + 1) / 2) >= least_tiles;
}

int64_t winograd_scratch(const ConvShape& s) { return 16 * padded(s.outputs) * s.channels; }

MUDRA_KERNEL(winograd, RunWinograd);

}  // namespace mudra
#endif
