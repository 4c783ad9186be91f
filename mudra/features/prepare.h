// Pictures of any size and colour become what a network takes; the arithmetic is that of mudra/data/image.h.
#pragma once

#include <functional>

#include "mudra/core/preprocessing.h"
#include "mudra/data/dataset.h"
#include "mudra/data/image.h"

namespace mudra {

// One image as H*W*C values 0..1. The same numbers as the image would have in a fitted data set.
void prepare(const Image& image, const Preprocessing& to, float* out);

// One of them, in bytes.
Image image_of(const Pixels& pixels, int64_t image);

// What `look` makes of every image: bytes, all of one size.
Pixels mapped(const Pixels& pixels, const std::function<Image(const Image&)>& look);

// The images brought to [N, H, W, C]. Bytes stay bytes (each rounded once); streamed images stay on the disk
// and are fitted as they are read.
Pixels fit_to(const Pixels& pixels, const Preprocessing& to);
Dataset fit_to(Dataset data, const Preprocessing& to);

}  // namespace mudra
