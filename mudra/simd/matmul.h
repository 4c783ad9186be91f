// The two products everything rests on. Both add each output's terms in index order, one fused multiply-add
// each, so that bits do not depend on tiles, lanes or threads. plain.h has them, and every other kernel, as
// plain loops.
//
// For all kernels of this folder: sizes are at least 1. Arrays are Tensor's, or as well aligned (64 bytes)
// and as long (rounded up to 16 scalars), for whole vectors are read; only what is named is written. Outputs
// overlap neither each other nor inputs unless said otherwise. Nothing is thrown, allocated or kept, so that
// any number of threads may call, each with a team and scratch space of its own.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/shards.h"

namespace mudra {

// Where the rows of a product's left side lie. A row is `runs` stretches of `run_length` scalars,
// `run_stride` apart: one for a dense layer, one per kernel row for a convolution over channels-last
// images (an implicit matrix; nothing is copied). Rows come in lines, lines in images.
struct RowLayout {
  int64_t images, lines, line_rows;
  int64_t image_stride, line_stride, row_stride;
  int64_t runs, run_length, run_stride;

  int64_t rows() const { return images * lines * line_rows; }
  int64_t depth() const { return runs * run_length; }

  // A plain matrix [rows, depth]; every row is an image of its own.
  static RowLayout matrix(int64_t rows, int64_t depth) { return {rows, 1, 1, depth, 0, depth, 1, depth, 0}; }
};

// y[n, o] = f(b[o] + sum over k of x[n, k] w[o, k])
//   w in panels of depth layout.depth()   bias [outputs] or null   y [rows, outputs]
extern void (*const matmul)(ThreadTeam& team, const Scalar* x, const RowLayout& layout, const Scalar* w,
                            int64_t outputs, const Scalar* bias, ActivationKind activation, Scalar* y);

// The same for lines of pixels, of which only the maxima over windows of 2x2 are kept.
//   y [images, lines / 2, line_rows / 2, outputs]   argmax, like y, or null: as max_pool has it
extern void (*const matmul_pooled)(ThreadTeam& team, const Scalar* x, const RowLayout& layout,
                                   const Scalar* w, int64_t outputs, const Scalar* bias,
                                   ActivationKind activation, Scalar* y, Scalar* argmax);
// The most scalars that two lines may have for that.
inline constexpr int64_t pooled_space = 16384;

// What becomes of a gradient once its sum is complete.
class GradientSink {
 public:
  static GradientSink store() { return {}; }  // target = gradient
  // target -= rate * gradient, rounded once: the plain SGD step. What has a gradient of zero stays as it is.
  static GradientSink descend(Scalar rate) { return GradientSink(rate); }

  void put(Scalar gradient, Scalar& target) const {
    target = rate_ ? std::fma(-*rate_, gradient, target) : gradient;
  }
  bool descends() const { return rate_.has_value(); }
  Scalar rate() const { return rate_.value_or(0); }  // of the descent

 private:
  GradientSink() = default;
  explicit GradientSink(Scalar rate) : rate_(rate) {}
  std::optional<Scalar> rate_;
};

// The gradient of y, in rows of padded(outputs) that are zero beyond the last output. When y was pooled (2x2)
// it is that of the pooled y, and `argmax`, of the same shape, tells which of a window's four pixels each
// value belongs to.
struct OutputGradient {
  const Scalar* values;
  const Scalar* argmax = nullptr;
};

// g[o, k] = sum over n of x[n, k] dy[n, o], in panels; the sum over images in shards (shards.h).
//   dy [rows, padded(outputs)]   target: panels of depth layout.depth()
extern void (*const matmul_gradient)(ThreadTeam& team, const Scalar* x, const RowLayout& layout,
                                     const OutputGradient& dy, int64_t outputs, const Shards& shards,
                                     const GradientSink& sink, Scalar* target);

// The same for a plain matrix x [rows, depth], every row of which is an image.   skip_zeros: what is zero
// throughout a shard is not multiplied; the bits are the same as long as dy is finite
extern void (*const matrix_gradient)(ThreadTeam& team, const Scalar* x, int64_t rows, int64_t depth,
                                     const Scalar* dy, int64_t outputs, bool skip_zeros, const Shards& shards,
                                     const GradientSink& sink, Scalar* target);

// g[o] = sum over n of dy[n, o], in the same shards.   dy [images, lines, line_rows, padded(columns)]
extern void (*const column_sums)(const OutputGradient& dy, int64_t images, int64_t lines, int64_t line_rows,
                                 int64_t columns, const Shards& shards, const GradientSink& sink,
                                 Scalar* target);

}  // namespace mudra
