#include "mudra/data/read_dataset.h"

#include <algorithm>
#include <cctype>

#include "mudra/core/error.h"
#include "mudra/data/byte_source.h"
#include "mudra/data/read_arrays.h"

namespace mudra {

Dataset read_dataset(const std::string& source, const ReadOptions& options) {
  const auto file = open_file(source);  // says what is wrong with a missing or empty path
  char start[6] = {};
  file->read(start, sizeof start);
  const std::string_view magic(start, sizeof start);
  if (magic == "\x93NUMPY") return read_npy(source, options);
  std::string name = source;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (magic.starts_with("PK") || name.ends_with(".npz")) return read_npz(source, options);
  throw Error("is not a data set Mudra knows", source,
              "Give an .npz with `dataset` and `labels`, or an .npy");
}

}  // namespace mudra
