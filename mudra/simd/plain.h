// What every kernel of this folder computes, as the plainest loops: one value at a time, each sum term by
// term in the documented order with one fused multiply-add a term. They are the specification: tests hold the
// fast kernels to these bits on every instruction set that has fused multiply-add, or to a stated bound where
// a kernel's own order differs (winograd.h) or where functions are approximated (activation.h, losses.h).
// Nothing else calls them.
//
// Arguments lie in memory as the fast kernels have them: images channels last, weights in panels (panels.h),
// dy of products and convolutions in rows of padded(outputs). Outputs and inputs must not overlap unless said
// otherwise. The functions throw nothing, keep no state and may be called by any number of threads.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/conv_shape.h"
#include "mudra/simd/matmul.h"
#include "mudra/simd/normalize.h"
#include "mudra/simd/pool.h"
#include "mudra/simd/updates.h"

namespace mudra::plain {

// y[n, o] = (sum over k of x[n, k] w[o, k]) + b[o]
//   x [rows, depth] as layout says   w: panels of that depth   bias [outputs] or null   y [rows, outputs]
void matmul(const Scalar* x, const RowLayout& layout, const Scalar* w, int64_t outputs, const Scalar* bias,
            Scalar* y);

// g[o, k] = sum over n of x[n, k] dy[n, o], zero beyond the last output. The rows of an image follow each
// other; sums over images are 8 sums over contiguous shards, added left to right.   dy [rows,
// padded(outputs)]   gradient: panels
void matmul_gradient(const Scalar* x, const RowLayout& layout, const Scalar* dy, int64_t outputs,
                     Scalar* gradient);

// g[o] = sum over rows n of dy[n, o], in the same shards.
//   dy [images, rows_per_image, padded(columns)]   gradient [columns]
void column_sums(const Scalar* dy, int64_t images, int64_t rows_per_image, int64_t columns, Scalar* gradient);

// y[n, i, j, o] = (sum over u, v, c of x[n, s i + u, s j + v, c] w[o, u, v, c]) + b[o]
//   x [N, height, width, channels], bordered   w: panels of depth (u, v, c)   y [N, out_height, out_width,
//   outputs]
void convolution(const ConvShape& shape, const Scalar* x, const Scalar* w, const Scalar* bias, Scalar* y);

// dx[n, s i + u - pad, s j + v - pad, c] = sum over i, j, o of dy[n, i, j, o] w[o, u, v, c], in this order
//   dy [N, out_height, out_width, padded(outputs)]   dx [N, height - 2 pad, width - 2 pad, channels]
void convolution_dx(const ConvShape& shape, const Scalar* dy, const Scalar* w, Scalar* dx);

// dw[o, u, v, c] = sum over n, i, j of x[n, s i + u, s j + v, c] dy[n, i, j, o], over images in 8 shards;
// panels
void convolution_dw(const ConvShape& shape, const Scalar* x, const Scalar* dy, Scalar* dw);

// The same for every channel by itself.   w, dw: panels of depth taps   dy [N, out_height, out_width,
// channels]
void depthwise(const ConvShape& shape, const Scalar* x, const Scalar* w, const Scalar* bias, Scalar* y);
void depthwise_gradient(const ConvShape& shape, const Scalar* x, const Scalar* dy, Scalar* dw);

// One image, as pool.h has it: y is the maximum of a window, argmax the number of the pixel in the window
// that it is, the first of equals; a NaN counts as larger than everything before it.
void max_pool(const PoolShape& shape, const Scalar* x, Scalar* y, Scalar* argmax);
void max_pool_backward(const PoolShape& shape, const Scalar* argmax, const Scalar* dy, Scalar* dx);
void average_pool(const PoolShape& shape, const Scalar* x, Scalar* y);
void average_pool_backward(const PoolShape& shape, const Scalar* dy, Scalar* dx);

// f(x) and f'(x), by the maths library in long double.
long double activation(ActivationKind kind, long double x);
long double derivative(ActivationKind kind, long double x);

// max(z, 0) - z t + log(1 + exp(-|z|)), the binary cross entropy of logit z and target t
long double binary_cross_entropy(long double logit, long double target);

// sum[c] = sum over rows of x[r, c]; mean and variance from such sums; over images in 8 shards
void column_moments(const Scalar* x, const PixelRows& size, Scalar* mean, Scalar* variance);
// y = (x - mean[c]) scale[c] + shift[c]
void scale_columns(const Scalar* x, const PixelRows& size, const Scalar* mean, const Scalar* scale,
                   const Scalar* shift, Scalar* y);
// sum[c] = sum of dy;   product[c] = sum of dy (x - mean[c]); over images in 8 shards
void column_gradients(const Scalar* x, const Scalar* dy, const PixelRows& size, const Scalar* mean,
                      Scalar* sum, Scalar* product);
// dx = scale[c] (dy - dy_mean[c] - (x - mean[c]) correlation[c])
void scale_columns_backward(const Scalar* x, const Scalar* dy, const PixelRows& size, const Scalar* mean,
                            const Scalar* scale, const Scalar* dy_mean, const Scalar* correlation,
                            Scalar* dx);

// With m and v the mean and variance along row r: mean[r] = m, inverse[r] = 1 / sqrt(v + epsilon),
//   y = (x - m) inverse[r] weight[c] + bias[c]
// Sums along a row are 16 sums over the columns c, c + 16, ..., halved by adding the upper half to the lower.
void normalize_rows(const Scalar* x, const PixelRows& size, Scalar epsilon, const Scalar* weight,
                    const Scalar* bias, Scalar* mean, Scalar* inverse, Scalar* y);
// With h = (x - mean[r]) inverse[r] and g = dy weight[c]:   dx = inverse[r] (g - mean of g - h (mean of g h))
void normalize_rows_backward(const Scalar* x, const Scalar* dy, const PixelRows& size, const Scalar* weight,
                             const Scalar* mean, const Scalar* inverse, Scalar* dx);
// sum[c] = sum of dy;   product[c] = sum of dy h; over images in 8 shards
void row_norm_gradients(const Scalar* x, const Scalar* dy, const PixelRows& size, const Scalar* mean,
                        const Scalar* inverse, Scalar* sum, Scalar* product);

// y[n, c] = mean of image n's rows, and back: dx = dy / rows per image
void mean_of_rows(const Scalar* x, const PixelRows& size, Scalar* y);
void mean_of_rows_backward(const Scalar* dy, const PixelRows& size, Scalar* dx);

// One step of an optimiser for one weight; updates.h has the equations.
void descend(Scalar rate, Scalar gradient, Scalar& weight);
void momentum_step(const Momentum& m, Scalar gradient, Scalar& velocity, Scalar& weight);
void adam_step(const Adam& a, Scalar gradient, Scalar& mean, Scalar& square, Scalar& weight);

}  // namespace mudra::plain
