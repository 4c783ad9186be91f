// What the fuzzers share: an input as a file, and what must hold for every data set that was read.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/data/dataset.h"
#include "mudra/data/read_dataset.h"

namespace mudra::fuzz {

// A file in memory that has a name.
class InputFile {
 public:
  InputFile(const uint8_t* bytes, size_t size) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || ::write(descriptor_, bytes, size) != static_cast<ssize_t>(size)) std::abort();
    path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  }
  ~InputFile() { ::close(descriptor_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

inline void require(bool truth, const char* what) {
  if (truth) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

inline void check(const Dataset& data) {
  const auto count = static_cast<size_t>(data.size());
  require(count > 0, "a data set has images");
  require(data.labels.size() == count, "every image has a label");
  require(data.groups.empty() || data.groups.size() == count, "every image has a group");
  for (const int32_t label : data.labels) {
    require(label >= 0 && static_cast<size_t>(label) < data.classes.size(), "labels are classes");
  }
  for (const int32_t group : data.groups) {
    require(group >= 0 && static_cast<size_t>(group) < data.group_names.size(), "groups have names");
  }
  std::vector<float> image(static_cast<size_t>(data.pixels.shape().per_example()));
  for (int64_t row = 0; row < data.size(); ++row) {
    data.pixels.read(row, image.data());
    for (const float value : image) require(value >= -0.02F && value <= 1.02F, "pixels are 0..1");
  }
}

// Small enough that streaming is tried too.
inline ReadOptions small_options() {
  ReadOptions options;
  options.stream_above = 1 << 14;
  return options;
}

// Everything a reader may do with bad input is to throw Error.
template <class Work>
void attempt(Work&& work) {
  try {
    work();
  } catch (const Error&) {
  }
}

}  // namespace mudra::fuzz
