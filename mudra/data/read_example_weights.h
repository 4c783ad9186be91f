// What each image counts in the loss, from a file.
#pragma once

#include <string>

#include "mudra/data/dataset.h"

namespace mudra {

// Sets example_weights. The file is an .npy [N], an .npz with an array `weights`, `weight` or
// `sample_weight`, one number a line, or a CSV with a column `weight` (and `file`, for pictures of a folder).
// Throws Error when there is not one finite number of at least 0 for each image.
void read_example_weights(const std::string& path, Dataset& data);

}  // namespace mudra
