// Labelled images from arrays, text and folders; groups from their own file. Internal to data/.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "mudra/data/byte_source.h"
#include "mudra/data/dataset.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

Dataset read_npz(const std::string& path, const ReadOptions& options);
Dataset read_npy(const std::string& path, const ReadOptions& options);
Dataset read_idx(const std::string& path, const ReadOptions& options);  // plain or gzip
Pixels read_npy_images(const std::string& path, const ReadOptions& options, std::vector<std::string>& notes);

// Names under which an .npz may hold the group of each image.
inline constexpr std::initializer_list<const char*> group_arrays = {"groups", "group", "hand"};
// Sets the group of every image and the photograph it was made from, where the archive holds them.
void read_origins(const NpzFile& file, const ReadOptions& options, Dataset& data);

Dataset read_csv(const std::string& path, const ReadOptions& options);
Dataset read_folder(const std::string& path, const ReadOptions& options);

// Sets the group of every image from the file `path`.
void read_groups(const std::string& path, const ReadOptions& options, Dataset& data);
// Adds options.columns, from that file. Throws a usage Error that names the columns there are.
void read_columns(const std::string& path, const ReadOptions& options, Dataset& data);

// Sets what every image truly shows from the file `path`, or if it may lack them and does, nothing.
void read_true_labels(const std::string& path, const ReadOptions& options, bool may_lack, Dataset& data);

// Remembers a bad file or row, or throws it when options.strict.
void skip(Dataset& data, const std::string& message, const ReadOptions& options);
// Says how many were skipped; throws Error when nothing is left.
void note_skipped(Dataset& data, int64_t left, const char* what);

}  // namespace mudra
