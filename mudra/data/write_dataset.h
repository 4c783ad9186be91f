// Labelled images to any form that read_dataset() reads. Several threads may write the same data set at once,
// each to a name of its own.
#pragma once

#include <string>
#include <vector>

#include "mudra/data/dataset.h"

namespace mudra {

struct WriteOptions {
  bool compress = false;  // .npz: deflate; such a file cannot be read piece by piece
  Progress progress{};    // in images
};

// The name tells the form:
//   x.npz                       dataset uint8 or float32 0..1, labels and groups '<U', targets float32
//   x.npy                       dataset; labels in x-labels.npy
//   x.csv, x.csv.gz             label[,group],pixel1,...
//   ...images-idx3-ubyte[.gz]   and labels-idx1-ubyte[.gz] beside it; x.idx[.gz] with x-labels.idx[.gz]
//   other names                 a new folder of PNG files, one sub-folder for each class
// Where the form has no place for groups, they go into a CSV beside it; only .npz has a place for targets.
// What is read back equals what was written, except that PNG holds 8 bits and a folder is in the order of its
// classes. Nothing appears under a final name before it is complete. Throws Error when the form cannot hold
// the images, or the disk does not take them. Returns one sentence for each file beside the first and for
// what could not be kept.
std::vector<std::string> write_dataset(const Dataset& data, const std::string& path,
                                       const WriteOptions& options = {});

}  // namespace mudra
