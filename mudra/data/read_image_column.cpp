// One value for each image of a data set, from a CSV that names the images or has a line for each in order.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/core/utf8.h"
#include "mudra/data/csv.h"
#include "mudra/data/label_index.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

// Values named by file; a bare name may stand for a path when no two paths share it.
class ValuesByFile {
 public:
  void add(std::string_view file, std::string_view value) {
    values_.insert_or_assign(std::string(file), std::string(value));
    const auto [known, added] = bare_.try_emplace(bare_name(file), value);
    if (!added && known->second != value) known->second.clear();
  }
  // Empty when there is none.
  const std::string& find(const std::string& file) const {
    if (const auto found = values_.find(file); found != values_.end()) return found->second;
    static const std::string none;
    const auto found = bare_.find(bare_name(file));
    return found == bare_.end() ? none : found->second;
  }

 private:
  static std::string bare_name(std::string_view file) { return std::filesystem::path(file).filename(); }
  std::unordered_map<std::string, std::string> values_, bare_;
};

}  // namespace

void read_image_column(const std::string& path, const std::string& column, const Dataset& data,
                       const TakeValue& take, bool may_lack_header) {
  CsvReader csv(open_plain_or_gzip(path));
  std::vector<std::string_view> fields;
  bool more = csv.next(fields);
  std::optional<size_t> value = csv_column(fields, column);
  const std::optional<size_t> file = csv_column(fields, "file");
  const bool lacks_header = may_lack_header && fields.size() == 1 && csv_number(fields[0]);
  if (lacks_header) value = 0;
  const bool by_file = !data.files.empty() && file;
  if (!value || (!by_file && !data.files.empty() && !lacks_header)) {
    throw Error("has no column `" + (value ? "file" : column) + "`", path,
                "The first line names the columns: file,label," + column);
  }
  const size_t needed = std::max(*value, by_file ? *file : 0) + 1;
  const auto in_line = [&] { return "line " + std::to_string(csv.line()); };
  ValuesByFile by_name;
  int64_t lines = 0;
  for (more = lacks_header || csv.next(fields); more; more = csv.next(fields)) {
    if (fields.size() < needed || fields[*value].empty())
      throw Error(in_line() + " names no " + column, path, "Give each image its " + column);
    if (by_file) {
      by_name.add(as_utf8(fields[*file]), fields[*value]);
    } else if (lines++ < data.size()) {
      take(fields[*value], in_line());
    }
  }
  if (by_file) {
    std::vector<std::string> missing;
    for (const std::string& name : data.files) {
      if (by_name.find(name).empty()) missing.push_back(name);
    }
    if (!missing.empty()) {
      throw Error("names no " + column + " for " + std::to_string(missing.size()) + " of " +
                      std::to_string(data.size()) + " images: " + join_names(missing, 3),
                  path, "Add a line for each: file,label," + column);
    }
    for (const std::string& name : data.files) take(by_name.find(name), name);
  } else if (lines != data.size()) {
    throw Error("has " + std::to_string(lines) + " lines for " + std::to_string(data.size()) + " images",
                path, "Give one line for each image, in their order");
  }
}

}  // namespace mudra
