// Applies a vector function to whole arrays.
#if defined(MUDRA_SIMD_MAP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MUDRA_SIMD_MAP_INL_H
#undef MUDRA_SIMD_MAP_INL_H
#else
#define MUDRA_SIMD_MAP_INL_H
#endif

#include <hwy/highway.h>

#include "mudra/core/tensor.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out[i] = f(in[i]...); out may be one of the inputs. The last, partial vector goes through buffers.
template <class F, class... In>
HWY_INLINE void map(int64_t count, Scalar* out, F f, const In*... in) {
  const hn::ScalableTag<Scalar> d;
  const int64_t step = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + step <= count; i += step) hn::StoreU(f(hn::LoadU(d, in + i)...), d, out + i);
  if (i == count) return;
  const auto load = [&](const Scalar* p) HWY_ATTR {
    HWY_ALIGN Scalar buffer[hn::MaxLanes(hn::ScalableTag<Scalar>())] = {};
    for (int64_t j = 0; j < count - i; ++j) buffer[j] = p[i + j];
    return hn::Load(d, buffer);
  };
  HWY_ALIGN Scalar result[hn::MaxLanes(hn::ScalableTag<Scalar>())];
  hn::Store(f(load(in)...), d, result);
  for (int64_t j = 0; j < count - i; ++j) out[i + j] = result[j];
}

}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
