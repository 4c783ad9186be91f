// Sums, means and scales over matrices whose rows are the pixels of images (or one row an image). Sums over
// the batch are taken in shards of the images (shards.h); sums along a row use 16 virtual lanes, of which
// lane l adds columns l, l + 16, ..., and halves are added until one is left. Bits depend neither on the
// instruction set nor on threads.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/shards.h"

namespace mudra {

struct PixelRows {
  int64_t images, rows_per_image, columns;

  int64_t rows() const { return images * rows_per_image; }
  // [N, H, W, C] or [N, features]
  static PixelRows of(const Shape& x) {
    const int64_t columns = x[x.rank() - 1];
    return {x[0], x.elements() / (x[0] * columns), columns};
  }
};

// sum[c] = sum over rows of x or, with a center, of (x - center[c])^2
//   center [columns], or null   partial [8, columns], scratch
extern void (*const sum_columns)(ThreadTeam& team, const Scalar* x, const PixelRows& size,
                                 const Scalar* center, const Shards& shards, Scalar* partial, Scalar* sum);

// y = f((x - mean[c]) scale[c] + shift[c])
extern void (*const scale_columns)(ThreadTeam& team, const Scalar* x, const PixelRows& size,
                                   const Scalar* mean, const Scalar* scale, const Scalar* shift,
                                   ActivationKind activation, Scalar* y);

// sum[c] = sum of dy;   product[c] = sum of dy (x - mean[c])
//   partial [8, 2, columns], scratch
extern void (*const column_gradients)(ThreadTeam& team, const Scalar* x, const Scalar* dy,
                                      const PixelRows& size, const Scalar* mean, const Shards& shards,
                                      Scalar* partial, Scalar* sum, Scalar* product);

// dx = scale[c] (dy - dy_mean[c] - (x - mean[c]) correlation[c])
extern void (*const scale_columns_backward)(ThreadTeam& team, const Scalar* x, const Scalar* dy,
                                            const PixelRows& size, const Scalar* mean, const Scalar* scale,
                                            const Scalar* dy_mean, const Scalar* correlation, Scalar* dx);

// For every row r: mean[r], inverse[r] = 1 / sqrt(variance + epsilon), and
//   y = f((x - mean[r]) inverse[r] weight[c] + bias[c])
extern void (*const normalize_rows)(ThreadTeam& team, const Scalar* x, const PixelRows& size, Scalar epsilon,
                                    const Scalar* weight, const Scalar* bias, ActivationKind activation,
                                    Scalar* mean, Scalar* inverse, Scalar* y);

// With h = (x - mean[r]) inverse[r] and g = dy weight[c]:
//   dx = inverse[r] (g - mean of g along the row - h (mean of g h along the row))
extern void (*const normalize_rows_backward)(ThreadTeam& team, const Scalar* x, const Scalar* dy,
                                             const PixelRows& size, const Scalar* weight, const Scalar* mean,
                                             const Scalar* inverse, Scalar* dx);

// sum[c] = sum of dy;   product[c] = sum of dy (x - mean[r]) inverse[r]
//   partial [8, 2, columns], scratch
extern void (*const row_norm_gradients)(ThreadTeam& team, const Scalar* x, const Scalar* dy,
                                        const PixelRows& size, const Scalar* mean, const Scalar* inverse,
                                        const Shards& shards, Scalar* partial, Scalar* sum, Scalar* product);

// y[n, c] = mean of image n's rows, and back: dx = dy / rows per image
extern void (*const mean_of_rows)(ThreadTeam& team, const Scalar* x, const PixelRows& size, Scalar* y);
extern void (*const mean_of_rows_backward)(ThreadTeam& team, const Scalar* dy, const PixelRows& size,
                                           Scalar* dx);

}  // namespace mudra
