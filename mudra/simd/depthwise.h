// Depthwise convolution: every channel by itself, over channels-last images that have their border already.
#pragma once

#include <cstdint>

#include "mudra/core/tensor.h"
#include "mudra/core/thread_team.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/conv_shape.h"
#include "mudra/simd/shards.h"

namespace mudra {

// y[n, i, j, c] = f(b[c] + sum over taps t = (u, v) of x[n, s i + u, s j + v, c] w[t, c]), terms in the taps'
// order, one fused multiply-add each.   w in panels of depth taps   bias [channels] or null
extern void (*const depthwise)(ThreadTeam& team, const Scalar* x, const ConvShape& shape, const Scalar* w,
                               const Scalar* bias, ActivationKind activation, Scalar* y);

// gradient[t, c] = sum over n, i, j of x[n, s i + u, s j + v, c] dy[n, i, j, c], in panels; the sum
// over images in shards.   dy [N, out_height, out_width, channels]   partial [8, padded(channels) * taps],
// scratch whose padding is zero
extern void (*const depthwise_gradient)(ThreadTeam& team, const Scalar* x, const ConvShape& shape,
                                        const Scalar* dy, const Shards& shards, Scalar* partial,
                                        Scalar* gradient);

}  // namespace mudra
