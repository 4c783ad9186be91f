// One value for each image of a data set: groups, true labels and weights, from arrays or from a CSV that
// names the images or has a line for each in order.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/utf8.h"
#include "mudra/data/array_data.h"
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

// Hands over `column` of a CSV for every image, in the data's order: the text and where it stands ("line 3").
// The CSV names images in a column `file`, or has one line an image; where the header may be lacking also one
// number a line and nothing else; where values may, an empty text stands for what is not there.
using TakeValue = std::function<void(std::string_view text, const std::string& where)>;
enum class MayLack { nothing, header, values };
void read_image_column(const std::string& path, const std::string& column, const Dataset& data,
                       const TakeValue& take, MayLack may_lack = MayLack::nothing) {
  CsvReader csv(open_plain_or_gzip(path));
  std::vector<std::string_view> fields;
  csv.next(fields);  // the header, or with nothing but numbers the first of them
  std::optional<size_t> value = csv_column(fields, column);
  const std::optional<size_t> file = csv_column(fields, "file");
  const bool lacks_header =
      may_lack == MayLack::header && fields.size() == 1 && parse_number<double>(fields[0]);
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
  for (bool more = lacks_header || csv.next(fields); more; more = csv.next(fields)) {
    fields.resize(may_lack == MayLack::values ? std::max(fields.size(), needed) : fields.size());
    if (may_lack != MayLack::values && (fields.size() < needed || fields[*value].empty()))
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
      if (may_lack != MayLack::values && by_name.find(name).empty()) missing.push_back(name);
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

bool has_csv_column(const std::string& path, std::string_view column) {
  CsvReader csv(open_plain_or_gzip(path));
  std::vector<std::string_view> fields;
  return csv.next(fields) && csv_column(fields, column);
}

void weights_from_array(const NpyArray& array, Dataset& data) {
  const bool is_column = array.shape.size() == 1 || (array.shape.size() == 2 && array.shape[1] == 1);
  if (array.is_text() || !is_column || array.shape[0] != data.size()) {
    throw Error("has the shape " + array.shape_text() + " and type " + array.type_name() + " for " +
                    std::to_string(data.size()) + " images",
                array.where(), "Give one number for each image, in their order");
  }
  Numbers numbers = read_npy_numbers(array);
  data.example_weights = std::move(numbers.floats);
  if (data.example_weights.empty()) data.example_weights.assign(numbers.bytes.begin(), numbers.bytes.end());
}

}  // namespace

void read_groups(const std::string& path, const ReadOptions& options, Dataset& data) {
  if (first_bytes(path).starts_with("PK")) {
    const NpzFile file(path);
    file.open(group_arrays, "Save the group of each image under one of these names");
    read_origins(file, options, data);
  } else {
    LabelIndex index;
    read_image_column(path, "group", data,
                      [&](std::string_view group, const std::string&) { index.add(group); });
    index.finish(data.group_names, data.groups);
  }
  data.notes.push_back(std::to_string(data.group_names.size()) + " groups from " + path);
}

void read_true_labels(const std::string& path, const ReadOptions& options, bool may_lack, Dataset& data) {
  std::vector<std::string> names;
  std::vector<int32_t> index;
  const std::string magic = first_bytes(path);
  if (magic.starts_with("PK") || magic == "\x93NUMPY") {
    std::unique_ptr<ByteSource> source;
    if (magic.starts_with("PK")) {
      const NpzFile file(path);
      source = file.find({"true_label", "true_labels"});
      if (!source && may_lack) return;
      if (!source) source = file.open({"true_label"}, "Save what each image truly shows under this name");
    } else {
      source = open_file(path);
    }
    array_labels(open_npy(std::move(source)), data.size(), options, names, index);
  } else {
    LabelIndex texts;
    if (may_lack && !has_csv_column(path, "true_label")) return;
    read_image_column(path, "true_label", data,
                      [&](std::string_view text, const std::string&) { texts.add(text); });
    texts.finish(names, index);
  }
  std::vector<int32_t> class_of;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(data.classes, name);
    class_of.push_back(found == data.classes.end() ? no_class
                                                   : static_cast<int32_t>(found - data.classes.begin()));
  }
  if (std::ranges::all_of(class_of, [](int32_t label) { return label == no_class; })) {
    throw Error("none of its true labels (" + join_names(names, 5) + ") is a class of the data (" +
                    join_names(data.classes, 5) + ")",
                path, "Name the classes as the data do");
  }
  int64_t different = 0;
  data.true_labels.clear();
  for (size_t row = 0; row < index.size(); ++row) {
    data.true_labels.push_back(class_of[static_cast<size_t>(index[row])]);
    different += data.true_labels.back() != data.labels[row];
  }
  data.notes.push_back("true labels from " + path + ": " + std::to_string(different) + " of " +
                       std::to_string(data.size()) + " images have another label");
}

void read_columns(const std::string& path, const ReadOptions& options, Dataset& data) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  const bool is_archive = !is_folder && first_bytes(path).starts_with("PK");
  if (!is_archive && path == data.source) {
    throw usage_error("has no file of groups with a column `" + options.columns[0] + "`", path,
                      "Name a CSV or .npz that has it with --groups");
  }
  std::optional<NpzFile> archive;
  std::vector<std::string> names;
  if (is_archive) {
    names = archive.emplace(path).arrays();
  } else {
    CsvReader csv(open_plain_or_gzip(path));
    std::vector<std::string_view> fields;
    csv.next(fields);
    for (const std::string_view field : fields) names.push_back(as_utf8(field));
    std::erase(names, "file");
  }
  for (const std::string& wanted : options.columns) {
    if (std::ranges::find(data.columns, wanted, &Column::name) != data.columns.end()) continue;
    if (std::ranges::find(names, wanted) == names.end())
      throw usage_error("has no column `" + wanted + "`", path, did_you_mean(wanted, names));
    LabelIndex index;
    const auto take = [&](std::string_view text) { index.add(text.empty() ? "unknown" : text); };
    if (archive) {
      const NpyArray array = open_npy(archive->find({wanted.c_str()}));
      if (array.values != data.size() || array.shape[0] != data.size()) {
        throw Error("has the shape " + array.shape_text() + " for " + std::to_string(data.size()) + " images",
                    array.where(), "Give one value for each image, in their order");
      }
      read_npy_labels(array, take);
    } else {
      read_image_column(
          path, wanted, data, [&](std::string_view text, const std::string&) { take(text); },
          MayLack::values);
    }
    Column& column = data.columns.emplace_back();
    column.name = wanted;
    index.finish(column.values, column.of);
  }
}

void read_example_weights(const std::string& path, Dataset& data) {
  data.example_weights.clear();
  if (const std::string magic = first_bytes(path); magic == "\x93NUMPY") {
    weights_from_array(open_npy(open_file(path)), data);
  } else if (magic.starts_with("PK")) {
    auto source = NpzFile(path).open({"weights", "weight", "sample_weight"},
                                     "Save the weight of each image under one of these names");
    weights_from_array(open_npy(std::move(source)), data);
  } else {
    const auto take = [&](std::string_view text, const std::string& where) {
      const auto weight = parse_number<double>(text);
      if (!weight) throw Error(where + ": '" + std::string(text.substr(0, 40)) + "' is no number", path);
      data.example_weights.push_back(static_cast<float>(*weight));
    };
    read_image_column(path, "weight", data, take, MayLack::header);
  }
  const auto& weights = data.example_weights;
  const auto bad = std::ranges::find_if(weights, [](float w) { return !(w >= 0 && w <= 1e9F); });
  if (bad != weights.end()) {
    throw Error("image " + std::to_string(bad - weights.begin()) + " (counted from 0) has the weight " +
                    std::to_string(*bad),
                path, "Give numbers from 0 to 1e9");
  }
  if (std::ranges::none_of(weights, [](float w) { return w > 0; }))
    throw Error("has only weights of 0: nothing would be learnt", path, "Give some images more");
  const auto [low, high] = std::ranges::minmax(weights);
  char range[64];
  std::snprintf(range, sizeof range, "weights %g to %g from ", low, high);
  data.notes.push_back(range + path);
}

}  // namespace mudra
