#include <algorithm>
#include <filesystem>
#include <span>
#include <unordered_map>

#include "mudra/core/error.h"
#include "mudra/data/array_data.h"
#include "mudra/data/csv.h"
#include "mudra/data/label_index.h"
#include "mudra/data/read_arrays.h"
#include "mudra/data/read_files.h"
#include "mudra/data/utf8.h"

namespace mudra {
namespace {

// Groups named by file; a bare name may stand for a path when no two paths share it.
class GroupsByFile {
 public:
  void add(std::string_view file, std::string_view group) {
    groups_.insert_or_assign(std::string(file), std::string(group));
    const auto [known, added] = bare_.try_emplace(bare_name(file), group);
    if (!added && known->second != group) known->second.clear();
  }
  // Empty when there is none.
  const std::string& find(const std::string& file) const {
    if (const auto found = groups_.find(file); found != groups_.end()) return found->second;
    static const std::string none;
    const auto found = bare_.find(bare_name(file));
    return found == bare_.end() ? none : found->second;
  }

 private:
  static std::string bare_name(std::string_view file) { return std::filesystem::path(file).filename(); }
  std::unordered_map<std::string, std::string> groups_, bare_;
};

void groups_from_csv(const ReadOptions& options, Dataset& data) {
  const std::string& path = options.groups;
  CsvReader csv(open_plain_or_gzip(path));
  std::vector<std::string_view> fields;
  csv.next(fields);
  const std::optional<size_t> group = csv_column(fields, "group"), file = csv_column(fields, "file");
  const bool by_file = !data.files.empty() && file;
  if (!group || (!by_file && !data.files.empty())) {
    throw Error(std::string("has no column `") + (group ? "file" : "group") + "`", path,
                "The first line names the columns: file,label,group");
  }
  const size_t needed = std::max(*group, by_file ? *file : 0) + 1;
  GroupsByFile by_name;
  LabelIndex index;
  while (csv.next(fields)) {
    if (fields.size() < needed || fields[*group].empty()) {
      throw Error("line " + std::to_string(csv.line()) + " names no group", path,
                  "Give each image its group");
    }
    if (by_file) {
      by_name.add(as_utf8(fields[*file]), fields[*group]);
    } else {
      index.add(fields[*group]);
    }
  }
  if (by_file) {
    std::vector<std::string> missing;
    for (const std::string& name : data.files) {
      const std::string& found = by_name.find(name);
      if (found.empty()) missing.push_back(name);
      index.add(found);
    }
    if (!missing.empty()) {
      throw Error("names no group for " + std::to_string(missing.size()) + " of " +
                      std::to_string(data.size()) + " images: " + join_names(missing, 3),
                  path, "Add a line for each: file,label,group");
    }
  }
  if (static_cast<int64_t>(index.size()) != data.size()) {
    throw Error(
        "has " + std::to_string(index.size()) + " lines for " + std::to_string(data.size()) + " images", path,
        "Give one line for each image, in their order");
  }
  index.finish(data.group_names, data.groups);
}

void groups_from_npz(const ReadOptions& options, Dataset& data) {
  const NpzFile file(options.groups);
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
  throw Error("has no array `groups`, `group` or `hand`", options.groups,
              "It holds " + join_names(file.arrays(), 10) +
                  ". Save the group of each image under one of these names");
}

}  // namespace

void read_groups(const ReadOptions& options, Dataset& data) {
  char magic[2] = {};
  open_file(options.groups)->read(magic, sizeof magic);
  if (magic[0] == 'P' && magic[1] == 'K') {
    groups_from_npz(options, data);
  } else {
    groups_from_csv(options, data);
  }
  data.notes.push_back(std::to_string(data.group_names.size()) + " groups from " + options.groups);
}

}  // namespace mudra
