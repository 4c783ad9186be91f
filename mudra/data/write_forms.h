// One function for each form write_dataset() writes, and what several of them need. Internal to data/.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/atomic_file.h"
#include "mudra/data/dataset.h"
#include "mudra/data/write_dataset.h"

namespace mudra {

using Notes = std::vector<std::string>;  // what write_dataset() returns

Notes write_npz(const Dataset& data, const std::string& path, const WriteOptions& options);
Notes write_npy(const Dataset& data, const std::string& path, const Progress& progress);
Notes write_idx(const Dataset& data, const std::string& path, const Progress& progress);
Notes write_csv(const Dataset& data, const std::string& path, const Progress& progress);
Notes write_folder(const Dataset& data, const std::string& path, const Progress& progress);

// The bytes that produce() hands over, in a file that is complete and appears when it is committed, which
// several may be together; packed by gzip when its name ends in .gz.
using Write = std::function<void(std::string_view)>;
using Produce = std::function<void(const Write&)>;
std::unique_ptr<AtomicFile> make_stream(const std::string& path, const Produce& produce);
inline void write_stream(const std::string& path, const Produce& produce) {
  make_stream(path, produce)->commit();
}

// Shows progress now and then.
void tell(const Progress& progress, int64_t row, int64_t rows);
// True when the images can be written as bytes and are read back as the same.
bool writes_bytes(const Pixels& pixels);

// The groups of images, for a form that has no place for them; nothing when they are unknown. `files` may be
// empty.
void write_groups(const Dataset& data, const std::string& path, const std::vector<std::string>& files);

}  // namespace mudra
