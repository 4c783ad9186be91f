#include "mudra/experiment/predictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/data/csv.h"
#include "mudra/data/label_index.h"

namespace mudra {
namespace {

constexpr std::array<std::string_view, 8> columns = {"row",  "file",  "group",  "photograph",
                                                     "fold", "label", "answer", "confidence"};

std::string header(const Dataset& data) {
  std::string line = fmt::format("{}", fmt::join(columns, ","));
  for (const std::string& name : data.classes) line += "," + csv_field("p_" + name);
  return line + "\n";
}

// Reads the lines of one file.
class PredictionReader {
 public:
  explicit PredictionReader(const std::filesystem::path& path) : csv_(open_file(path.string())) {}

  Predictions read() {
    read_header();
    while (csv_.next(fields_)) read_line();
    if (found_.rows.empty()) throw Error("holds no answer", csv_.where(), advice);
    const auto knows = [](const auto& names) {
      return std::ranges::any_of(names, [](const std::string& name) { return !name.empty(); });
    };
    groups_.finish(found_.group_names, found_.groups);
    if (!knows(found_.group_names)) found_.group_names.clear(), found_.groups.clear();
    if (!knows(found_.files)) found_.files.clear();
    if (!knows(found_.folds)) found_.folds.clear();
    if (found_.photographs.size() != found_.rows.size()) found_.photographs.clear();
    return std::move(found_);
  }

 private:
  static constexpr const char* advice =
      "Give a predictions.csv as `mudra train` and `mudra evaluate --predictions` write it";

  void read_header() {
    const bool has_columns = csv_.next(fields_) && fields_.size() > columns.size() &&
                             std::equal(columns.begin(), columns.end(), fields_.begin());
    if (!has_columns) throw Error("is no file of predictions", csv_.where(), advice);
    for (const std::string_view field : std::span(fields_).subspan(columns.size())) {
      if (!field.starts_with("p_")) throw Error("is no file of predictions", csv_.where(), advice);
      place_.emplace(field.substr(2), static_cast<int32_t>(place_.size()));
      found_.classes.emplace_back(field.substr(2));
    }
    found_.answers.classes = static_cast<int64_t>(found_.classes.size());
  }

  template <class T>
  T number(std::string_view field, std::string_view column) const {
    const auto value = parse_number<T>(field);
    if (!value) damaged(column, field);
    return *value;
  }

  [[noreturn]] void damaged(std::string_view column, std::string_view field) const {
    throw Error(fmt::format("line {} has '{}' for {}", csv_.line(), field, column), csv_.where(), advice);
  }

  int32_t index_of(std::string_view name, std::string_view column) const {
    const auto at = place_.find(name);
    if (at == place_.end()) damaged(column, name);
    return at->second;
  }

  void read_line() {
    if (fields_.size() != columns.size() + found_.classes.size()) {
      throw Error(fmt::format("line {} has {} fields, not {}", csv_.line(), fields_.size(),
                              columns.size() + found_.classes.size()),
                  csv_.where(), advice);
    }
    found_.rows.push_back(number<Row>(fields_[0], "row"));
    found_.files.emplace_back(fields_[1]);
    groups_.add(fields_[2]);
    if (!fields_[3].empty()) found_.photographs.push_back(number<int32_t>(fields_[3], "photograph"));
    found_.folds.emplace_back(fields_[4]);
    found_.labels.push_back(index_of(fields_[5], "label"));
    // A class may have no name, too; then no model of ours refuses.
    const bool is_refusal = fields_[6].empty() && !place_.contains("");
    found_.answers.labels.push_back(is_refusal ? refused : index_of(fields_[6], "answer"));
    for (size_t c = 0; c < found_.classes.size(); ++c)
      found_.answers.probabilities.push_back(number<float>(fields_[columns.size() + c], "a probability"));
  }

  CsvReader csv_;
  std::vector<std::string_view> fields_;
  std::map<std::string, int32_t, std::less<>> place_;  // of the classes
  LabelIndex groups_;
  Predictions found_;
};

}  // namespace

void write_predictions(const Dataset& data, std::span<const Row> rows, std::span<const Fold> folds,
                       const Answers& answers, const std::filesystem::path& path) {
  std::vector<Row> order(answers.size());
  std::iota(order.begin(), order.end(), Row{0});
  std::ranges::sort(order, {}, [&](Row i) { return std::pair(data.source_row(rows[i]), i); });
  std::vector<size_t> ends;  // of the folds' answers
  for (const Fold& fold : folds) ends.push_back((ends.empty() ? 0 : ends.back()) + fold.test.size());
  AtomicFile file(path);
  file.write(header(data));
  std::string text;
  for (const Row i : order) {
    const Row row = rows[i];
    const auto fold_of = [&](size_t answer) {
      return static_cast<size_t>(std::ranges::upper_bound(ends, answer) - ends.begin());
    };
    const auto name = [&](const auto& names, int64_t index) {
      return index < 0 ? std::string() : csv_field(names[static_cast<size_t>(index)]);
    };
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{:.9g}", data.source_row(row),
                   name(data.files, data.files.empty() ? -1 : int64_t{row}),
                   name(data.group_names, data.groups.empty() ? -1 : data.groups[row]),
                   data.photographs.empty() ? std::string() : std::to_string(data.photographs[row]),
                   folds.empty() ? std::string() : csv_field(folds[fold_of(i)].name),
                   name(data.classes, data.labels[row]), name(data.classes, answers.labels[i]),
                   answers.confidence(i));
    for (size_t c = 0; c < data.classes.size(); ++c)
      fmt::format_to(std::back_inserter(text), ",{:.9g}", answers.probability(i, c));
    text += "\n";
    if (text.size() < (size_t{1} << 16) && i != order.back()) continue;
    file.write(text);
    text.clear();
  }
  file.commit();
}

std::vector<uint8_t> Predictions::right() const {
  std::vector<uint8_t> right;
  for (size_t i = 0; i < labels.size(); ++i) right.push_back(answers.labels[i] == labels[i]);
  return right;
}

Predictions read_predictions(const std::filesystem::path& path) { return PredictionReader(path).read(); }

Evaluation evaluate(const Predictions& predictions, uint64_t seed) {
  Evaluation found = evaluate(predictions.labels, predictions.answers, predictions.classes,
                              {predictions.groups, predictions.photographs, seed, predictions.group_names});
  found.new_group.reset();
  return found;
}

}  // namespace mudra
