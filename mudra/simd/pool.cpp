#include "mudra/simd/pool.h"

#include <algorithm>

#include "mudra/simd/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/pool.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/pool-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

// Calls visit(d, offset of the window's first value in x, offset of its value in y) for every window and
// vector of channels; the last channels go one by one.
template <class Visit>
HWY_INLINE void for_each_window(const PoolShape& s, Visit visit) {
  const hn::CappedTag<Scalar, 16> d;
  const hn::CappedTag<Scalar, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), whole = s.channels / lanes * lanes;
  for (int64_t i = 0; i < s.out_height; ++i) {
    for (int64_t j = 0; j < s.out_width; ++j) {
      const int64_t first = (i * s.width + j) * s.stride * s.channels;
      const int64_t at = (i * s.out_width + j) * s.channels;
      for (int64_t c = 0; c < whole; c += lanes) visit(d, first + c, at + c);
      for (int64_t c = whole; c < s.channels; ++c) visit(one, first + c, at + c);
    }
  }
}

// Calls visit(number, offset from the window's first value) for every tap.
template <class Visit>
HWY_INLINE void for_each_tap(const PoolShape& s, Visit visit) {
  for (int64_t u = 0, number = 0; u < s.window_height; ++u) {
    for (int64_t v = 0; v < s.window_width; ++v, ++number) visit(number, (u * s.width + v) * s.channels);
  }
}

// Whether every pixel is in at most one window, so that dx can be written without being read.
bool windows_apart(const PoolShape& s) { return s.stride >= std::max(s.window_height, s.window_width); }

// Zeros what no window covers, or everything when windows overlap.
void clear(const PoolShape& s, Scalar* dx) {
  const int64_t line = s.width * s.channels;
  if (!windows_apart(s) || s.stride > std::min(s.window_height, s.window_width)) {
    std::fill_n(dx, s.x_size(), Scalar{0});
    return;
  }
  const int64_t lines = s.out_height * s.stride, columns = s.out_width * s.stride * s.channels;
  for (int64_t i = 0; i < lines; ++i) std::fill_n(dx + i * line + columns, line - columns, Scalar{0});
  std::fill_n(dx + lines * line, s.x_size() - lines * line, Scalar{0});
}

void MaxPool(const PoolShape& s, const Scalar* HWY_RESTRICT x, Scalar* HWY_RESTRICT y,
             Scalar* HWY_RESTRICT argmax) {
  if (s.window_height == 2 && s.window_width == 2) {
    const int64_t line = s.width * s.channels, column = s.channels;
    return for_each_window(s, [&](auto d, int64_t first, int64_t at) HWY_ATTR {
      const auto load = [&](int tap)
                            HWY_ATTR { return hn::LoadU(d, x + first + tap / 2 * line + tap % 2 * column); };
      pool_two(d, load, y + at, argmax ? argmax + at : nullptr);
    });
  }
  for_each_window(s, [&](auto d, int64_t first, int64_t at) HWY_ATTR {
    auto maximum = hn::LoadU(d, x + first);
    auto number = hn::Zero(d);
    for_each_tap(s, [&](int64_t tap, int64_t offset)
                        HWY_ATTR { keep_larger(d, hn::LoadU(d, x + first + offset), tap, maximum, number); });
    hn::StoreU(maximum, d, y + at);
    if (argmax) hn::StoreU(number, d, argmax + at);
  });
}

void MaxPoolBackward(const PoolShape& s, const Scalar* HWY_RESTRICT argmax, const Scalar* HWY_RESTRICT dy,
                     Scalar* HWY_RESTRICT dx) {
  clear(s, dx);
  const bool apart = windows_apart(s);
  for_each_window(s, [&](auto d, int64_t first, int64_t at) HWY_ATTR {
    const auto gradient = hn::LoadU(d, dy + at);
    const auto number = hn::LoadU(d, argmax + at);
    for_each_tap(s, [&](int64_t tap, int64_t offset) HWY_ATTR {
      Scalar* to = dx + first + offset;
      const auto share = hn::IfThenElseZero(hn::Eq(number, hn::Set(d, static_cast<Scalar>(tap))), gradient);
      hn::StoreU(apart ? share : hn::Add(hn::LoadU(d, to), share), d, to);
    });
  });
}

void AveragePool(const PoolShape& s, const Scalar* HWY_RESTRICT x, Scalar* HWY_RESTRICT y) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(s.window_height * s.window_width);
  for_each_window(s, [&](auto d, int64_t first, int64_t at) HWY_ATTR {
    auto sum = hn::Zero(d);
    for_each_tap(
        s, [&](int64_t, int64_t offset) HWY_ATTR { sum = hn::Add(sum, hn::LoadU(d, x + first + offset)); });
    hn::StoreU(hn::Mul(sum, hn::Set(d, share)), d, y + at);
  });
}

void AveragePoolBackward(const PoolShape& s, const Scalar* HWY_RESTRICT dy, Scalar* HWY_RESTRICT dx) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(s.window_height * s.window_width);
  clear(s, dx);
  const bool apart = windows_apart(s);
  for_each_window(s, [&](auto d, int64_t first, int64_t at) HWY_ATTR {
    const auto gradient = hn::Mul(hn::LoadU(d, dy + at), hn::Set(d, share));
    for_each_tap(s, [&](int64_t, int64_t offset) HWY_ATTR {
      Scalar* to = dx + first + offset;
      hn::StoreU(apart ? gradient : hn::Add(hn::LoadU(d, to), gradient), d, to);
    });
  });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(max_pool, MaxPool);
MUDRA_KERNEL(max_pool_backward, MaxPoolBackward);
MUDRA_KERNEL(average_pool, AveragePool);
MUDRA_KERNEL(average_pool_backward, AveragePoolBackward);

}  // namespace mudra
#endif
