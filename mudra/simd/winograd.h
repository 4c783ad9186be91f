// Convolution by a kernel of 3x3 and a stride of 1 with 16 products for 4 outputs instead of 36: Winograd's
// minimal filtering F(2x2, 3x3), as in Lavin and Gray, "Fast algorithms for convolutional neural networks"
// (2016). Each tile of 2x2 outputs is y = Aᵀ [sum over c of (G g Gᵀ) (Bᵀ d B)] A of a 4x4 patch d of x; the
// sum is a matrix product for each of the 16 places. It rounds otherwise than the sum in index order (by
// about twice as much), but always in the same way: an output's bits depend on its patch and the weights
// alone.
#pragma once

#include "mudra/core/thread_team.h"
#include "mudra/simd/activation.h"
#include "mudra/simd/conv_shape.h"

namespace mudra {

// Whether to do it; that depends on the sizes of one image only.
bool winograd_pays(const ConvShape& shape);

// Scalars for the transformed weights.
int64_t winograd_scratch(const ConvShape& shape);

// y = f(b + convolution); see Conv2d.   w: panels   scratch [winograd_scratch]
//   y [N, out_height, out_width, outputs], or the maxima over windows of 2x2 [N, out_height / 2, ...] when
//   `pools`, with argmax of the same shape, or null, as max_pool has it
extern void (*const winograd)(ThreadTeam& team, const ConvShape& shape, const Scalar* x, const Scalar* w,
                              const Scalar* bias, ActivationKind activation, Scalar* scratch, bool pools,
                              Scalar* y, Scalar* argmax);

}  // namespace mudra
