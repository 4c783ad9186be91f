// Images and labels out of arrays whose headers were read: .npy, .npz members and IDX. Internal to data/.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mudra/data/byte_source.h"
#include "mudra/data/dataset.h"
#include "mudra/data/npy.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

// Height, width and channels of images given as flat rows of `values` numbers: a square, or options.height x
// width.
Shape flat_image_shape(int64_t images, int64_t values, const ReadOptions& options, const std::string& where);

// Loads the images, or streams them when there are more than options.stream_above values.
Pixels array_pixels(std::unique_ptr<ByteSource> source, const NpyHeader& header, const ReadOptions& options,
                    std::vector<std::string>& notes);

// One label for each of `images` images: text [N] or [N, 1], whole numbers, or one-hot rows [N, K].
void array_labels(ByteSource& source, const NpyHeader& header, int64_t images, const ReadOptions& options,
                  std::vector<std::string>& names, std::vector<int32_t>& labels);

}  // namespace mudra
