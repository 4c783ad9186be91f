#include "mudra/data/corrections.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/text.h"
#include "mudra/core/utf8.h"
#include "mudra/data/csv.h"
#include "mudra/data/label_index.h"

namespace mudra {

void write_corrections(const Dataset& data, std::span<const Correction> corrections,
                       const std::filesystem::path& path) {
  std::string text = "row,file,label,suggestion,confidence\n";
  const auto class_name = [&](int32_t c) { return csv_field(data.classes[static_cast<size_t>(c)]); };
  for (const Correction& each : corrections) {
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{:.4f}\n", data.source_row(each.row),
                   data.files.empty() ? "" : csv_field(data.files[each.row]),
                   class_name(data.labels[each.row]), class_name(each.label), each.confidence);
  }
  write_file_atomically(path, text);
}

namespace {

class CorrectionsFile {
 public:
  CorrectionsFile(const std::string& path, const Dataset& data)
      : path_(path), data_(data), csv_(open_plain_or_gzip(path)) {
    for (Row row = 0; row < data.source_rows.size(); ++row) place_.emplace(data.source_rows[row], row);
    if (!csv_.next(fields_)) fields_.clear();
    row_ = column("row"), label_ = column("label"), suggestion_ = column("suggestion");
    file_ = csv_column(fields_, "file");
  }

  // Every line's row of the data and its new label.
  std::unordered_map<Row, int32_t> read() {
    std::unordered_map<Row, int32_t> changes;
    while (csv_.next(fields_)) {
      if (fields_.size() <= std::max({row_, label_, suggestion_, file_.value_or(0)}))
        refuse("has too few fields", "Each line is row,file,label,suggestion");
      const Row row = row_of(fields_[row_]);
      if (file_ && !fields_[*file_].empty()) check_file(row, as_utf8(fields_[*file_]));
      const std::string &has = data_.classes[static_cast<size_t>(data_.labels[row])],
                        says = as_utf8(fields_[label_]);
      if (has != says) {
        refuse("image " + std::string(fields_[row_]) + " is labelled '" + has + "', not '" + says + "'",
               "The corrections are for other data, or were applied before");
      }
      if (!changes.emplace(row, class_of(as_utf8(fields_[suggestion_]))).second)
        refuse("image " + std::string(fields_[row_]) + " stands in an earlier line, too", "Keep one of them");
    }
    return changes;
  }

 private:
  size_t column(std::string_view name) const {
    const auto found = csv_column(fields_, name);
    if (found) return *found;
    throw Error("has no column `" + std::string(name) + "`", path_,
                "The first line names the columns: row,file,label,suggestion");
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& remedy) const {
    throw Error(what, path_ + ", line " + std::to_string(csv_.line()), remedy);
  }

  Row row_of(std::string_view text) const {
    const auto number = parse_number<int64_t>(text);
    std::optional<Row> row;
    if (number && data_.source_rows.empty() && *number >= 0 && *number < data_.size()) {
      row = static_cast<Row>(*number);
    } else if (const auto at = place_.find(number.value_or(-1)); at != place_.end()) {
      row = at->second;
    }
    if (!row) {
      refuse("'" + std::string(text) + "' is no row of the " + thousands(data_.size()) + " images",
             "Rows count from 0, as in predictions.csv");
    }
    return *row;
  }

  void check_file(Row row, const std::string& file) const {
    if (!data_.files.empty() && data_.files[row] == file) return;
    refuse("image " + std::to_string(data_.source_row(row)) + " is " +
               (data_.files.empty() ? "no file of its own" : "'" + data_.files[row] + "'") + ", not '" +
               file + "'",
           "The corrections are for other data, or files were added or removed since");
  }

  int32_t class_of(const std::string& name) const {
    const auto at = std::ranges::find(data_.classes, name);
    if (at == data_.classes.end())
      refuse("there is no class '" + name + "'", "The classes are " + join_names(data_.classes, 40));
    return static_cast<int32_t>(at - data_.classes.begin());
  }

  const std::string& path_;
  const Dataset& data_;
  CsvReader csv_;
  std::vector<std::string_view> fields_;
  std::unordered_map<int64_t, Row> place_;  // of source rows, where they are not the data's own
  size_t row_ = 0, label_ = 0, suggestion_ = 0;
  std::optional<size_t> file_;
};

}  // namespace

void apply_corrections(const std::string& path, Dataset& data) {
  int64_t changed = 0;
  for (const auto& [row, label] : CorrectionsFile(path, data).read())
    changed += std::exchange(data.labels[row], label) != label;
  data.notes.push_back(
      fmt::format("{} label{} changed by {}", thousands(changed), changed == 1 ? "" : "s", path));
}

}  // namespace mudra
