#include "mudra/simd/sparse_conv.h"

#include <algorithm>
#include <bit>

#include "mudra/simd/panels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/sparse_conv.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

using Index = hwy::MakeSigned<Scalar>;  // as wide, for vectors of both

// Which outputs of a vector have a gradient at a pixel that is not zero.
HWY_INLINE hn::Mask<D> find_some(const PixelTable& pixels, const OutputGradient& gradients, int64_t pixel,
                                 int64_t o) {
  const D d;
  const int64_t at = pixels.dy[pixel] + o;
  const auto some = hn::Ne(hn::LoadU(d, gradients.values + at), hn::Zero(d));
  if (!gradients.argmax) return some;
  const V number = hn::Set(d, static_cast<Scalar>(pixels.number[pixel]));
  return hn::And(some, hn::Eq(hn::LoadU(d, gradients.argmax + at), number));
}

// masks[o][word]: bit p tells that pixel 32 * word + p of this image has one for output o.
void find_gradients(const ConvShape& s, const PixelTable& pixels, const OutputGradient& gradients,
                    uint32_t* HWY_RESTRICT masks) {
  const hn::RebindToUnsigned<D> du;
  using Bits = hn::TFromD<decltype(du)>;
  const int64_t stride = padded(s.outputs), words = s.mask_words();
  for (int64_t word = 0; word < words; ++word) {
    const int64_t first = word * 32, count = std::min<int64_t>(32, s.pixels() - first);
    for (int64_t o = 0; o < stride; o += lanes) {
      auto bits = hn::Zero(du);
      for (int64_t p = 0; p < count; ++p) {
        const auto some = hn::RebindMask(du, find_some(pixels, gradients, first + p, o));
        bits = hn::Or(bits, hn::IfThenElseZero(some, hn::Set(du, Bits{1} << p)));
      }
      HWY_ALIGN Bits buffer[lanes];
      hn::Store(bits, du, buffer);
      for (int64_t l = 0; l < lanes; ++l) masks[(o + l) * words + word] = static_cast<uint32_t>(buffer[l]);
    }
  }
}

// The taps [R][K] of one vector of channels, of one output: adds every gradient times x.
template <int R, int K>
HWY_NOINLINE void add_taps(const ConvShape& s, const PixelTable& pixels, const Scalar* HWY_RESTRICT x,
                           const Scalar* HWY_RESTRICT dy, const uint32_t* HWY_RESTRICT masks,
                           Scalar* HWY_RESTRICT sums) {
  const D d;
  const int64_t line = s.width * s.channels, words = s.mask_words();
  const int32_t* HWY_RESTRICT offsets = pixels.x;
  const int32_t* HWY_RESTRICT places = pixels.dy;
  V sum[R * K];
  unroll<R * K>([&](auto i) MUDRA_INLINE {
    sum[i] = hn::Load(d, sums + (i / K * s.kernel_width + i % K) * s.channels);
  });
  for (int64_t word = 0; word < words; ++word) {
    for (uint32_t left = masks[word]; left != 0; left &= left - 1) {
      const int64_t pixel = word * 32 + std::countr_zero(left);
      const V gradient = hn::Set(d, dy[places[pixel]]);
      const Scalar* at = x + offsets[pixel];
      unroll<R * K>([&](auto i) MUDRA_INLINE {
        sum[i] = hn::MulAdd(hn::Load(d, at + i / K * line + i % K * s.channels), gradient, sum[i]);
      });
    }
  }
  unroll<R * K>([&](auto i) MUDRA_INLINE {
    hn::Store(sum[i], d, sums + (i / K * s.kernel_width + i % K) * s.channels);
  });
}

// The same taps of dx at one pixel: adds the weights w [outputs][taps][channels] of every listed output.
template <int R, int K>
HWY_INLINE void add_weights(const ConvShape& s, const Scalar* HWY_RESTRICT dy,
                            const Index* HWY_RESTRICT listed, int64_t count, const Scalar* HWY_RESTRICT w,
                            Scalar* HWY_RESTRICT dx) {
  const D d;
  const int64_t line = s.width * s.channels, filter = s.taps() * s.channels;
  V sum[R * K];
  unroll<R * K>([&](auto i) MUDRA_INLINE { sum[i] = hn::Load(d, dx + i / K * line + i % K * s.channels); });
  for (int64_t n = 0; n < count; ++n) {
    const int64_t o = listed[n];
    const V gradient = hn::Set(d, dy[o]);
    const Scalar* from = w + o * filter;
    unroll<R * K>([&](auto i) MUDRA_INLINE {
      const Scalar* weight = from + (i / K * s.kernel_width + i % K) * s.channels;
      sum[i] = hn::MulAdd(gradient, hn::Load(d, weight), sum[i]);
    });
  }
  unroll<R * K>([&](auto i) MUDRA_INLINE { hn::Store(sum[i], d, dx + i / K * line + i % K * s.channels); });
}

// Calls f(rows, columns, first row, first column) for pieces of the kernel of up to 3 x 3 taps, sizes being
// constants.
template <class F>
HWY_INLINE void for_pieces(const ConvShape& s, F f) {
  for (int64_t u = 0; u < s.kernel_height; u += 3) {
    for (int64_t v = 0; v < s.kernel_width; v += 3) {
      with_constant<3>(std::min<int64_t>(3, s.kernel_height - u), [&](auto r) MUDRA_INLINE {
        with_constant<3>(std::min<int64_t>(3, s.kernel_width - v),
                         [&](auto k) MUDRA_INLINE { f(r, k, u, v); });
      });
    }
  }
}

// dx of one image: for every pixel of dy in order, for every output with a gradient in order.
void InputGradient(const ConvShape& s, const PixelTable& pixels, const OutputGradient& gradients,
                   const Scalar* HWY_RESTRICT w, Index* HWY_RESTRICT listed, Scalar* HWY_RESTRICT bordered,
                   Scalar* HWY_RESTRICT dx) {
  const D d;
  const hn::RebindToSigned<D> di;
  const int64_t line = s.width * s.channels, stride = padded(s.outputs);
  std::fill_n(bordered, s.height * line, Scalar{0});
  for (int64_t pixel = 0; pixel < s.pixels(); ++pixel) {
    Scalar* at = bordered + pixels.x[pixel];
    const Scalar* dy = gradients.values + pixels.dy[pixel];
    int64_t count = 0;
    for (int64_t o = 0; o < stride; o += lanes) {
      const auto some = hn::RebindMask(di, find_some(pixels, gradients, pixel, o));
      const auto outputs = hn::Add(hn::Iota(di, Index{0}), hn::Set(di, static_cast<Index>(o)));
      hn::StoreU(hn::Compress(outputs, some), di, listed + count);
      count += static_cast<int64_t>(hn::CountTrue(di, some));
    }
    if (count == 0) continue;
    for (int64_t c = 0; c < s.channels; c += lanes) {
      for_pieces(s, [&](auto r, auto k, int64_t u, int64_t v) MUDRA_INLINE {
        add_weights<r, k>(s, dy, listed, count, w + (u * s.kernel_width + v) * s.channels + c,
                          at + u * line + v * s.channels + c);
      });
    }
  }
  const int64_t inner = (s.width - 2 * s.pad_width) * s.channels;
  const Scalar* from = bordered + s.pad_height * line + s.pad_width * s.channels;
  for (int64_t i = 0; i < s.height - 2 * s.pad_height; ++i, from += line, dx += inner) {
    // Adding zero makes -0 (a product too small to tell) a 0, as the dense product does.
    for (int64_t k = 0; k < inner; k += lanes)
      hn::Store(hn::Add(hn::Zero(d), hn::Load(d, from + k)), d, dx + k);
  }
}

// Adds one image's part of the weights' gradient to sums [outputs][taps][channels].
void AddWeightGradient(const ConvShape& s, const PixelTable& pixels, const Scalar* HWY_RESTRICT x,
                       const OutputGradient& gradients, uint32_t* HWY_RESTRICT masks,
                       Scalar* HWY_RESTRICT sums) {
  find_gradients(s, pixels, gradients, masks);
  const int64_t line = s.width * s.channels, words = s.mask_words();
  for (int64_t o = 0; o < s.outputs; ++o) {
    Scalar* filter = sums + o * s.taps() * s.channels;
    for (int64_t c = 0; c < s.channels; c += lanes) {
      for_pieces(s, [&](auto r, auto k, int64_t u, int64_t v) MUDRA_INLINE {
        add_taps<r, k>(s, pixels, x + u * line + v * s.channels + c, gradients.values + o, masks + o * words,
                       filter + (u * s.kernel_width + v) * s.channels + c);
      });
    }
  }
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {
namespace {

using Index = hwy::MakeSigned<Scalar>;

// A shard's part of the scratch space:
//   sums [outputs][taps][channels]   bordered dx of an image   masks [outputs][words]   lists of outputs
struct ShardSpace {
  explicit ShardSpace(const ConvShape& s)
      : sums(padded(s.outputs) * s.taps() * s.channels),
        image(padded(s.height * s.width * s.channels)),
        masks(padded(padded(s.outputs) * s.mask_words())),
        lists(padded(s.outputs) + panel_width) {}
  int64_t sums, image, masks, lists;
  int64_t size() const { return sums + image + masks + lists; }
};

// The pixels of y that windows of factor x factor cover; the others have no gradient.
ConvShape covered(ConvShape s, int64_t factor) {
  s.out_height -= s.out_height % factor;
  s.out_width -= s.out_width % factor;
  return s;
}

}  // namespace

HWY_EXPORT(InputGradient);
HWY_EXPORT(AddWeightGradient);

// The same answer on every instruction set: vectors have at most 16 lanes.
bool sparse_conv_possible(const ConvShape& shape) { return shape.channels % panel_width == 0; }

bool sparse_conv_pays(const ConvShape& s, const Scalar* dy) {
  const int64_t size = s.pixels() * padded(s.outputs), images = std::min<int64_t>(4, s.images);
  int64_t some = 0;
  for (int64_t i = 0; i < images * size; ++i) some += dy[i] != 0;
  return some * 2 < images * s.pixels() * s.outputs;
}

int64_t sparse_conv_scratch(const ConvShape& s) {
  return ShardSpace(s).size() * gradient_shards + ShardSpace(s).sums + 3 * padded(s.pixels());
}

void sparse_conv_backward(ThreadTeam& team, const ConvShape& whole, const Scalar* x, const OutputGradient& dy,
                          const Scalar* w, const Shards& shards, Scalar* scratch, Scalar* dx) {
  const int64_t factor = dy.argmax ? 2 : 1;
  const ConvShape s = covered(whole, factor);
  const ShardSpace space(s);
  const int64_t depth = s.taps() * s.channels, stride = padded(s.outputs);
  const int64_t x_size = s.height * s.width * s.channels, dy_size = s.pixels() / (factor * factor) * stride;
  const int64_t dx_size = (s.height - 2 * s.pad_height) * (s.width - 2 * s.pad_width) * s.channels;
  Scalar* by_output = scratch + space.size() * gradient_shards;  // w [outputs][taps][channels]
  int32_t* table = reinterpret_cast<int32_t*>(by_output + space.sums);
  const PixelTable pixels{table, table + s.pixels(), table + 2 * s.pixels()};
  for (int64_t i = 0, pixel = 0; i < s.out_height; ++i) {
    for (int64_t j = 0; j < s.out_width; ++j, ++pixel) {
      pixels.x[pixel] = static_cast<int32_t>((i * s.width + j) * s.stride * s.channels);
      pixels.dy[pixel] = static_cast<int32_t>((i / factor * (s.out_width / factor) + j / factor) * stride);
      pixels.number[pixel] = static_cast<int32_t>(i % factor * factor + j % factor);
    }
  }
  if (dx) {
    for (int64_t o = 0; o < s.outputs; ++o) {
      for (int64_t k = 0; k < depth; ++k) by_output[o * depth + k] = w[panel_index(k, o, depth)];
    }
  }
  const ShardBegins begins = shards.begins(s.images);
  team.run(gradient_shards, [&](int64_t shard) {
    Scalar* sums = scratch + shard * space.size();
    Scalar* bordered = sums + space.sums;
    uint32_t* masks = reinterpret_cast<uint32_t*>(bordered + space.image);
    Index* listed = reinterpret_cast<Index*>(bordered + space.image + space.masks);
    std::fill_n(sums, space.sums, Scalar{0});
    const int64_t end = begins[static_cast<size_t>(shard) + 1];
    for (int64_t n = begins[static_cast<size_t>(shard)]; n < end; ++n) {
      const OutputGradient gradients{dy.values + n * dy_size, dy.argmax ? dy.argmax + n * dy_size : nullptr};
      HWY_DYNAMIC_DISPATCH(AddWeightGradient)(s, pixels, x + n * x_size, gradients, masks, sums);
      if (dx) {
        HWY_DYNAMIC_DISPATCH(InputGradient)
        (s, pixels, gradients, by_output, listed, bordered, dx + n * dx_size);
      }
    }
  });
}

void sparse_conv_gradient(const ConvShape& whole, bool pooled, const Scalar* scratch,
                          const GradientSink& sink, Scalar* target) {
  const ConvShape s = covered(whole, pooled ? 2 : 1);
  const ShardSpace space(s);
  const int64_t depth = s.taps() * s.channels;
  for (int64_t o = 0; o < padded(s.outputs); ++o) {
    for (int64_t k = 0; k < depth; ++k) {
      Scalar total = 0;
      for (int shard = 0; shard < gradient_shards; ++shard)
        total += scratch[shard * space.size() + o * depth + k];
      sink.put(total, target[panel_index(k, o, depth)]);
    }
  }
}

}  // namespace mudra
#endif
