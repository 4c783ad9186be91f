#include "mudra/features/augment_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/features/augment_kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
// after highway.h
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, warp_padding>;
using DI = hn::RebindToSigned<D>;
using DU = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;
using VI = hn::Vec<DI>;

void WarpImage(const float* in, int64_t height, int64_t width, int64_t channels, const WarpMap& map,
               float* out) {
  const D d;
  const DI di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float right = static_cast<float>(width - 1), bottom = static_cast<float>(height - 1);
  const V half_x = hn::Set(d, right * 0.5F), half_y = hn::Set(d, bottom * 0.5F);
  const V x_last = hn::Set(d, right), y_last = hn::Set(d, bottom), zero = hn::Zero(d);
  const VI w = hn::Set(di, static_cast<int32_t>(width)), c = hn::Set(di, static_cast<int32_t>(channels));
  const VI one = hn::Set(di, 1), right_i = hn::Set(di, static_cast<int32_t>(width - 1)),
           bottom_i = hn::Set(di, static_cast<int32_t>(height - 1));
  HWY_ALIGN float buffer[hn::MaxLanes(D())];
  for (int64_t y = 0; y < height; ++y) {
    const V row = hn::Sub(hn::Set(d, static_cast<float>(y)), half_y);
    const V row_x = hn::Add(hn::MulAdd(hn::Set(d, map.xy), row, hn::Set(d, map.x0)), half_x);
    const V row_y = hn::Add(hn::MulAdd(hn::Set(d, map.yy), row, hn::Set(d, map.y0)), half_y);
    for (int64_t x = 0; x < width; x += lanes) {
      const V column = hn::Sub(hn::Iota(d, static_cast<float>(x)), half_x);
      V at_x = hn::MulAdd(hn::Set(d, map.xx), column, row_x);
      V at_y = hn::MulAdd(hn::Set(d, map.yx), column, row_y);
      if (map.dx) {
        at_x = hn::Add(at_x, hn::LoadU(d, map.dx + y * width + x));
        at_y = hn::Add(at_y, hn::LoadU(d, map.dy + y * width + x));
      }
      at_x = hn::Min(hn::Max(at_x, zero), x_last);
      at_y = hn::Min(hn::Max(at_y, zero), y_last);
      const VI left = hn::ConvertTo(di, at_x), top = hn::ConvertTo(di, at_y);
      const V fx = hn::Sub(at_x, hn::ConvertTo(d, left)), fy = hn::Sub(at_y, hn::ConvertTo(d, top));
      const VI next_x = hn::Min(hn::Add(left, one), right_i);
      const VI next_y = hn::Min(hn::Add(top, one), bottom_i);
      const auto index = [&](VI row_at, VI column_at) HWY_ATTR {
        const VI pixel = hn::Add(hn::Mul(row_at, w), column_at);
        return channels == 1 ? pixel : hn::Mul(pixel, c);
      };
      const VI i00 = index(top, left), i01 = index(top, next_x);
      const VI i10 = index(next_y, left), i11 = index(next_y, next_x);
      for (int64_t channel = 0; channel < channels; ++channel) {
        const float* from = in + channel;
        const V v00 = hn::GatherIndex(d, from, i00), v01 = hn::GatherIndex(d, from, i01);
        const V v10 = hn::GatherIndex(d, from, i10), v11 = hn::GatherIndex(d, from, i11);
        const V upper = hn::MulAdd(fx, hn::Sub(v01, v00), v00);
        const V lower = hn::MulAdd(fx, hn::Sub(v11, v10), v10);
        const V value = hn::MulAdd(fy, hn::Sub(lower, upper), upper);
        if (channels == 1) {
          hn::StoreU(value, d, out + y * width + x);  // beyond the row: the next row writes over it
        } else {
          hn::Store(value, d, buffer);
          const int64_t most = width - x < lanes ? width - x : lanes;
          for (int64_t j = 0; j < most; ++j) out[(y * width + x + j) * channels + channel] = buffer[j];
        }
      }
    }
  }
}

// Sum of the four bytes of a hash of the lane's number: 0..1020.
// The mixing steps are those of "lowbias32", C. Wellons, "Prospecting for hash functions", 2018.
HWY_INLINE VI byte_sum(uint32_t first, const uint32_t* key) {
  const DU du;
  auto h = hn::Add(hn::Mul(hn::Iota(du, first), hn::Set(du, 0x9E3779B1u)), hn::Set(du, key[0]));
  h = hn::Xor(h, hn::ShiftRight<16>(h));
  h = hn::Xor(hn::Mul(h, hn::Set(du, 0x21F0AAADu)), hn::Set(du, key[1]));
  h = hn::Xor(h, hn::ShiftRight<15>(h));
  h = hn::Mul(h, hn::Set(du, 0xD35A2D97u));
  h = hn::Xor(h, hn::ShiftRight<15>(h));
  const auto mask = hn::Set(du, 0x00FF00FFu);
  const auto pairs = hn::Add(hn::And(h, mask), hn::And(hn::ShiftRight<8>(h), mask));
  const auto sum = hn::Add(hn::And(pairs, hn::Set(du, 0xFFFFu)), hn::ShiftRight<16>(pairs));
  return hn::BitCast(DI(), sum);
}

void ChangeValues(float* values, int64_t count, const ValueChange& change) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const V zero = hn::Zero(d), one = hn::Set(d, 1.F);
  const V gain = hn::Set(d, change.gain), gamma = hn::Set(d, change.gamma);
  // Four independent bytes: mean 510, variance 4 (256^2 - 1) / 12 = 21845.
  const V noise = hn::Set(d, change.noise * 6.765875e-3F), mean = hn::Set(d, 510.F);
  const auto f = [&](V v, int64_t i) HWY_ATTR {
    v = hn::Mul(v, gain);
    if (change.gamma != 1) {
      const auto dark = hn::Le(v, hn::Set(d, 1e-6F));
      const V power = hn::Exp(d, hn::Mul(gamma, hn::Log(d, hn::IfThenElse(dark, one, v))));
      v = hn::IfThenZeroElse(dark, power);
    }
    if (change.noise != 0) {
      const V n = hn::Sub(hn::ConvertTo(d, byte_sum(static_cast<uint32_t>(i), change.key)), mean);
      v = hn::MulAdd(noise, n, v);
    }
    return hn::Min(hn::Max(v, zero), one);
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(f(hn::LoadU(d, values + i), i), d, values + i);
  if (i == count) return;
  HWY_ALIGN float buffer[hn::MaxLanes(D())] = {};
  for (int64_t j = 0; j < count - i; ++j) buffer[j] = values[i + j];
  hn::Store(f(hn::Load(d, buffer), i), d, buffer);
  for (int64_t j = 0; j < count - i; ++j) values[i + j] = buffer[j];
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

HWY_EXPORT(WarpImage);
HWY_EXPORT(ChangeValues);

void warp_image(const float* in, int64_t height, int64_t width, int64_t channels, const WarpMap& map,
                float* out) {
  HWY_DYNAMIC_DISPATCH(WarpImage)(in, height, width, channels, map, out);
}

void change_values(float* values, int64_t count, const ValueChange& change) {
  HWY_DYNAMIC_DISPATCH(ChangeValues)(values, count, change);
}

}  // namespace mudra
#endif
