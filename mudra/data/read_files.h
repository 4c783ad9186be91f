// Labelled images from text and from folders; groups from their own file. Internal to data/.
#pragma once

#include <string>

#include "mudra/data/dataset.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

Dataset read_csv(const std::string& path, const ReadOptions& options);
Dataset read_folder(const std::string& path, const ReadOptions& options);

// Sets the group of every image from options.groups.
void read_groups(const ReadOptions& options, Dataset& data);

// Remembers a bad file or row, or throws it when options.strict.
void skip(Dataset& data, const std::string& message, const ReadOptions& options);
// Says how many were skipped; throws Error when nothing is left.
void note_skipped(Dataset& data, int64_t left, const char* what);

}  // namespace mudra
