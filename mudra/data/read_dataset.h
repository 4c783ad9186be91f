// Labelled images from any source. Several threads may read at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mudra/core/preprocessing.h"
#include "mudra/data/dataset.h"
#include "mudra/data/image.h"

namespace mudra {

// Pictures with a side of more than `above` pixels are brought to `to` x `to`; 0: none is too large.
struct Shrink {
  int above = 0, to = 0;
  bool applies(int64_t height, int64_t width) const { return above > 0 && std::max(height, width) > above; }
};

// What of a picture is taken instead of all of it, such as the hand in it; empty: all.
using Look = std::function<Image(const Image&)>;

struct ReadOptions {
  // Height and width of images stored as flat rows, e.g. [N, 600], and the size a folder's pictures are
  // brought to. 0: flat rows are square; pictures keep their size when they agree, else take the most common
  // one. `shrink` may change that.
  int height = 0;
  int width = 0;
  Shrink shrink{};
  int channels = 0;        // of a folder's pictures: 1 grey, 3 colour, 0 as they are
  Fit fit = Fit::stretch;  // how a folder's pictures come to their size
  // Of a folder's pictures.
  Look look{};
  // The values that mean black and white in arrays and CSV files; both 0: recognised, see below.
  float black = 0, white = 0;
  std::string labels{};  // .npy and IDX: the file that holds the labels
  // The group of each image: a CSV with columns file and group (or one line an image, in order), or an .npz
  // with an array `groups`, `group` or `hand`. Empty: a folder's own groups.csv is taken when there is one.
  std::string groups{};
  // What each image truly shows, beside its label: an .npz with an array `true_label`, an .npy, or a CSV with
  // columns file and true_label. Empty: that array or column of the file of groups, if it is there.
  std::string true_labels{};
  // What else to read of every image: columns of that CSV, or arrays of that .npz (of the data's own, where
  // `groups` is empty). An image of which a column says nothing has the value "unknown".
  std::vector<std::string> columns{};
  bool strict = false;  // a bad file or line is an Error instead of being skipped
  // Arrays of more values than this stay on the disk and are read as they are needed.
  int64_t stream_above = int64_t{1} << 27;
  Progress progress{};  // of a folder's pictures, a CSV's lines, and the look at all values of such an array
};

// Reads
//   .npz    arrays `dataset` (images) and `labels`; `groups`, `group` or `hand` if it is there
//   .npy    images; the labels in a second .npy named by options.labels
//   IDX     as MNIST, plain or gzip; the labels beside it (labels-idx1 for images-idx3) or in options.labels
//   CSV     one image a line, plain or gzip: label,pixel1,...; a header may name `label` and `group`
//   folder  a sub-folder of PNG, JPEG and WebP pictures for each class; what runs left behind, hidden files
//           and links to what holds the folder are left out
// Arrays may be [N, H*W], [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3, of any integer or float
// type; labels text, whole numbers or one-hot rows [N, K]. Values 0..1, 0..255, 0..65535 (whole
// numbers) and -1..1 are told apart by all of them together, and said in `notes`; what fits none is refused.
// Throws Error when the source cannot be used; bad files among good ones are
// in `skipped`.
Dataset read_dataset(const std::string& source, const ReadOptions& options = {});

// Sets example_weights. The file is an .npy [N], an .npz with an array `weights`, `weight` or
// `sample_weight`, one number a line, or a CSV with a column `weight` (and `file`, for pictures of a folder).
// Throws Error when there is not one finite number of at least 0 for each image.
void read_example_weights(const std::string& path, Dataset& data);

}  // namespace mudra
