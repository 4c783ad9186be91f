#include <span>

#include "mudra/core/error.h"
#include "mudra/data/array_data.h"
#include "mudra/data/label_index.h"
#include "mudra/data/read_arrays.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

void groups_from_csv(const std::string& path, Dataset& data) {
  LabelIndex index;
  read_image_column(path, "group", data,
                    [&](std::string_view group, const std::string&) { index.add(group); });
  index.finish(data.group_names, data.groups);
}

void groups_from_npz(const std::string& path, const ReadOptions& options, Dataset& data) {
  const NpzFile file(path);
  const auto read = [&](std::span<const char* const> arrays, std::vector<std::string>& names,
                        std::vector<int32_t>& indices) {
    for (const char* name : arrays) {
      if (!file.has(name)) continue;
      const auto source = file.open(name);
      const NpyHeader header = read_npy_header(*source);
      array_labels(*source, header, data.size(), options, names, indices);
      return true;
    }
    return false;
  };
  std::vector<std::string> photographs;
  read(photograph_arrays, photographs, data.photographs);
  if (read(group_arrays, data.group_names, data.groups)) return;
  throw Error("has no array `groups`, `group` or `hand`", path,
              "It holds " + join_names(file.arrays(), 10) +
                  ". Save the group of each image under one of these names");
}

}  // namespace

void read_groups(const std::string& path, const ReadOptions& options, Dataset& data) {
  char magic[2] = {};
  open_file(path)->read(magic, sizeof magic);
  if (magic[0] == 'P' && magic[1] == 'K') {
    groups_from_npz(path, options, data);
  } else {
    groups_from_csv(path, data);
  }
  data.notes.push_back(std::to_string(data.group_names.size()) + " groups from " + path);
}

}  // namespace mudra
