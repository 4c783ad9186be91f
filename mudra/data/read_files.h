// Labelled images from text and from folders; groups from their own file. Internal to data/.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "mudra/data/dataset.h"
#include "mudra/data/read_dataset.h"

namespace mudra {

Dataset read_csv(const std::string& path, const ReadOptions& options);
Dataset read_folder(const std::string& path, const ReadOptions& options);

// Sets the group of every image from the file `path`.
void read_groups(const std::string& path, const ReadOptions& options, Dataset& data);

// Hands over `column` of a CSV for every image, in the data's order: the text and where it stands ("line 3").
// The CSV names images in a column `file`, or has one line an image; with may_lack_header also one number a
// line and nothing else.
using TakeValue = std::function<void(std::string_view text, const std::string& where)>;
void read_image_column(const std::string& path, const std::string& column, const Dataset& data,
                       const TakeValue& take, bool may_lack_header = false);

// Remembers a bad file or row, or throws it when options.strict.
void skip(Dataset& data, const std::string& message, const ReadOptions& options);
// Says how many were skipped; throws Error when nothing is left.
void note_skipped(Dataset& data, int64_t left, const char* what);

}  // namespace mudra
