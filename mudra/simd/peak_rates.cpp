#include "mudra/simd/peak_rates.h"

#include <algorithm>
#include <chrono>

#include "mudra/core/tensor.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/peak_rates.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

constexpr int chains = 12;  // enough to hide the latency, few enough for 16 registers

// Multiply-adds of `rounds` rounds; `sink` keeps them from being left out.
int64_t MultiplyAdds(int64_t rounds, Scalar* HWY_RESTRICT sink) {
  const D d;
  const V factor = hn::Load(d, sink);
  V sum[chains];
  unroll<chains>([&](auto i) MUDRA_INLINE { sum[i] = hn::Set(d, static_cast<Scalar>(i)); });
  for (int64_t round = 0; round < rounds; ++round) {
    unroll<chains>([&](auto i) MUDRA_INLINE { sum[i] = hn::MulAdd(sum[i], factor, factor); });
  }
  unroll<chains>([&](auto i) MUDRA_INLINE { hn::Store(hn::Add(hn::Load(d, sink), sum[i]), d, sink); });
  return rounds * chains * lanes;
}

// Reads count scalars, a multiple of 4 vectors.
void Read(const Scalar* HWY_RESTRICT from, int64_t count, Scalar* HWY_RESTRICT sink) {
  const D d;
  V sum[4];
  unroll<4>([&](auto i) MUDRA_INLINE { sum[i] = hn::Zero(d); });
  for (int64_t k = 0; k < count; k += 4 * lanes) {
    unroll<4>([&](auto i) MUDRA_INLINE { sum[i] = hn::Add(sum[i], hn::Load(d, from + k + i * lanes)); });
  }
  unroll<4>([&](auto i) MUDRA_INLINE { hn::Store(hn::Add(hn::Load(d, sink), sum[i]), d, sink); });
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {
namespace {

HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(Read);

// The best of many short runs of work(), which returns how much it did: others use the machine too.
template <class Work>
double best_rate(Work work) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int run = 0; run < 60; ++run) {
    const Clock::time_point start = Clock::now();
    const double done = work();
    best = std::max(best, done / std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

double fma_rate() {
  Tensor sink({16});
  return best_rate(
      [&] { return 2.0 * static_cast<double>(HWY_DYNAMIC_DISPATCH(MultiplyAdds)(20000, sink.data())); });
}

double read_rate(int64_t bytes) {
  const int64_t count = std::max<int64_t>(64, bytes / static_cast<int64_t>(sizeof(Scalar)) / 64 * 64);
  const int64_t times = std::max<int64_t>(1, (int64_t{1} << 20) / count);
  Tensor from({count}), sink({16});
  from.fill(1);
  return best_rate([&] {
    for (int64_t i = 0; i < times; ++i) HWY_DYNAMIC_DISPATCH(Read)(from.data(), count, sink.data());
    return static_cast<double>(times * count) * sizeof(Scalar);
  });
}

}  // namespace mudra
#endif
