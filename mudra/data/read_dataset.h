// Labelled images from any source.
#pragma once

#include <cstdint>
#include <string>

#include "mudra/data/dataset.h"

namespace mudra {

struct ReadOptions {
  // Height and width of images stored as flat rows, e.g. [N, 600]; 0: they are square.
  int height = 0;
  int width = 0;
  std::string labels;  // .npy only: the file that holds the labels
  // Arrays of more values than this stay on the disk and are read as they are needed.
  int64_t stream_above = int64_t{1} << 27;
};

// Reads
//   .npz   arrays `dataset` (images) and `labels`; `groups`, `group` or `hand` if it is there
//   .npy   images; the labels in a second .npy named by options.labels
// Images may be [N, H*W], [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3, of any integer or float
// type; labels text, whole numbers or one-hot rows [N, K]. Values 0..1 and 0..255 (0..65535 for 16 bits) are
// told apart, and said in `notes`. Throws Error when the source cannot be used.
Dataset read_dataset(const std::string& source, const ReadOptions& options = {});

}  // namespace mudra
