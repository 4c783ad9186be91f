#include "mudra/data/read_dataset.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/data/byte_source.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

// By content first, by name where the content does not tell.
Dataset read_by_kind(const std::string& source, const ReadOptions& options) {
  std::error_code ignored;
  if (std::filesystem::is_directory(source, ignored)) return read_folder(source, options);

  char start[512] = {};
  const auto file = open_plain_or_gzip(source);  // says what is wrong with a missing or empty path
  const std::string_view text(start, file->read(start, sizeof start));
  std::string name = source;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (text.starts_with("\x93NUMPY")) return read_npy(source, options);
  if (text.starts_with("PK") || name.ends_with(".npz")) return read_npz(source, options);
  if (text.starts_with(std::string_view("\0\0", 2))) return read_idx(source, options);
  if (text.starts_with("\x89PNG") || text.starts_with("\xFF\xD8\xFF")) {
    throw Error("is one picture, not a data set", source,
                "Give a folder that has the pictures of each class in a sub-folder");
  }
  const std::string_view line = text.substr(0, text.find('\n'));
  const bool csv = name.ends_with(".csv") || name.ends_with(".csv.gz");
  if (csv || (line.find(',') != line.npos && line.find('\0') == line.npos)) return read_csv(source, options);
  throw Error(
      "is no data set Mudra can read", source,
      "Give an .npz with `dataset` and `labels`, an .npy, CSV or IDX file, or a folder with a sub-folder of "
      "pictures for each class");
}

}  // namespace

void skip(Dataset& data, const std::string& message, const ReadOptions& options) {
  if (options.strict) throw Error(message);
  data.skipped.push_back(message);
}

void note_skipped(Dataset& data, int64_t left, const char* what) {
  const auto bad = static_cast<int64_t>(data.skipped.size());
  if (left == 0) {
    throw Error(
        "holds no usable " + std::string(what) + (bad > 0 ? "; the first: " + data.skipped.front() : ""),
        data.source);
  }
  if (bad > 0)
    data.notes.push_back(thousands(bad) + " of " + thousands(left + bad) + " " + what + " skipped");
}

Dataset read_dataset(const std::string& source, const ReadOptions& options) {
  Dataset data = read_by_kind(source, options);
  std::string groups = options.groups;
  std::error_code ignored;
  if (groups.empty() && std::filesystem::is_directory(source, ignored)) {
    const std::filesystem::path own = std::filesystem::path(source) / "groups.csv";
    if (std::filesystem::is_regular_file(own, ignored)) groups = own;
  }
  if (!groups.empty()) read_groups(groups, options, data);
  const std::string& truth = options.true_labels.empty() ? groups : options.true_labels;
  if (!truth.empty()) read_true_labels(truth, options, options.true_labels.empty(), data);
  if (!options.columns.empty()) read_columns(groups.empty() ? source : groups, options, data);
  return data;
}

}  // namespace mudra
