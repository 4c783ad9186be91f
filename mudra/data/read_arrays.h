// Labelled images from NumPy arrays.
#pragma once

#include <string>

#include "mudra/data/dataset.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

Dataset read_npz(const std::string& path, const ReadOptions& options);
Dataset read_npy(const std::string& path, const ReadOptions& options);
// One image as [1, H, W, C].
Pixels read_npy_image(const std::string& path);

}  // namespace mudra
