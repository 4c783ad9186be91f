#include "mudra/simd/losses.h"

#include <algorithm>

#include "mudra/simd/kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mudra/simd/losses.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep

#include "mudra/simd/functions-inl.h"
#include "mudra/simd/map-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mudra::HWY_NAMESPACE {
namespace {

void BinaryCrossEntropy(const Scalar* logits, const Scalar* targets, int64_t count, Scalar* losses,
                        Scalar* dlogits) {
  const hn::ScalableTag<Scalar> d;
  map(
      count, losses,
      [&](auto z, auto t) {
        const auto tail = hn::Log1p(d, vector_exp(d, hn::Neg(hn::Abs(z))));
        return hn::Add(hn::NegMulAdd(z, t, keep_nan(d, z, hn::Max(z, hn::Zero(d)))), tail);
      },
      logits, targets);
  map(
      count, dlogits, [&](auto z, auto t) { return hn::Sub(vector_sigmoid(d, z), t); }, logits, targets);
}

void ExpMinusMaximum(const Scalar* x, int64_t rows, int64_t columns, Scalar* y, Scalar* maxima) {
  const hn::ScalableTag<Scalar> d;
  for (int64_t n = 0; n < rows; ++n, x += columns, y += columns) {
    Scalar largest = x[0];
    for (int64_t c = 1; c < columns; ++c) {
      if (x[c] > largest || x[c] != x[c]) largest = x[c];
    }
    maxima[n] = largest;
    const auto maximum = hn::Set(d, largest);
    map(
        columns, y, [&](auto v) { return vector_exp(d, hn::Sub(v, maximum)); }, x);
  }
}

}  // namespace
}  // namespace mudra::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mudra {

MUDRA_KERNEL(binary_cross_entropy, BinaryCrossEntropy);
MUDRA_KERNEL(exp_minus_maximum, ExpMinusMaximum);

}  // namespace mudra
#endif
