// Labelled images from NumPy and IDX arrays.
#pragma once

#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

Dataset read_npz(const std::string& path, const ReadOptions& options);
Dataset read_npy(const std::string& path, const ReadOptions& options);
Dataset read_idx(const std::string& path, const ReadOptions& options);  // plain or gzip
// One image as [1, H, W, C]; `notes` say how its values were understood.
Pixels read_npy_image(const std::string& path, std::vector<std::string>& notes);

// Names under which an .npz may hold the group of each image.
inline constexpr const char* group_arrays[] = {"groups", "group", "hand"};
// The same for the photograph an image was made from.
inline constexpr const char* photograph_arrays[] = {"photographs", "photograph", "photo"};

}  // namespace mudra
