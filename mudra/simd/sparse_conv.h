// The gradients of a convolution whose dy is mostly zero, as it is behind max pooling and ReLU. Only what
// is not zero is multiplied, in the order of the dense products (matmul.h): the bits are the same as long
// as weights and images are finite.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"
#include "mudra/simd/conv_shape.h"
#include "mudra/simd/matmul.h"

namespace mudra {

// Whether the kernel exists for this shape: whole vectors of channels.
bool sparse_conv_possible(const ConvShape& shape);

// For the kernel: of every pixel of an image's y, where its window begins in x and where its gradient is in
// dy. Of pooled y, its number in the window of the pooling.
struct PixelTable {
  int32_t *x, *dy, *number;
};

// Whether so little of dy [N, pixels, padded(outputs)] is not zero that skipping pays. Looks at a few images.
bool sparse_conv_pays(const ConvShape& shape, const Scalar* dy);

// Scalars of scratch space that sparse_conv_backward needs.
int64_t sparse_conv_scratch(const ConvShape& shape);

// dx, and on the same way through dy the sums of the weights' gradient, a shard each, which stay in
// `scratch`.
//   x [N, height, width, channels], bordered   w: panels of depth taps * channels
//   dx [N, height - 2 pad, width - 2 pad, channels], or null
void sparse_conv_backward(ThreadTeam& team, const ConvShape& shape, const Scalar* x, const OutputGradient& dy,
                          const Scalar* w, const Shards& shards, Scalar* scratch, Scalar* dx);

// Hands the weights' gradient that sparse_conv_backward left in `scratch` to the sink.
//   pooled: whether dy was   target: panels of depth taps * channels
void sparse_conv_gradient(const ConvShape& shape, bool pooled, const Scalar* scratch,
                          const GradientSink& sink, Scalar* target);

}  // namespace mudra
