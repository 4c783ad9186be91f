#include "mudra/experiment/predictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "mudra/core/atomic_file.h"
#include "mudra/data/csv.h"

namespace mudra {
namespace {

std::string header(const Dataset& data) {
  std::string line = "row,file,group,photograph,fold,label,answer,confidence";
  for (const std::string& name : data.classes) line += "," + csv_text_cell("p_" + name);
  return line + "\n";
}

// The number of the fold that each answer comes from.
std::vector<size_t> folds_of(std::span<const Fold> folds, size_t answers) {
  std::vector<size_t> numbers;
  for (size_t fold = 0; fold < folds.size(); ++fold) numbers.resize(numbers.size() + folds[fold].test.size(), fold);
  numbers.resize(answers);
  return numbers;
}

}  // namespace

void write_predictions(const Dataset& data, std::span<const Row> rows, std::span<const Fold> folds,
                       const Answers& answers, const std::filesystem::path& path) {
  std::vector<size_t> order(answers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return data.source_row(rows[i]); });
  const std::vector<size_t> fold = folds_of(folds, answers.size());
  AtomicFile file(path);
  file.write(header(data));
  std::string text;
  for (const size_t i : order) {
    const Row row = rows[i];
    const auto name = [&](const auto& names, int64_t index) {
      return index < 0 ? std::string() : csv_text_cell(names[static_cast<size_t>(index)]);
    };
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{:.9g}", data.source_row(row),
                   name(data.files, data.files.empty() ? -1 : int64_t{row}),
                   name(data.group_names, data.groups.empty() ? -1 : data.groups[row]),
                   data.photographs.empty() ? std::string() : std::to_string(data.photographs[row]),
                   folds.empty() ? std::string() : csv_text_cell(folds[fold[i]].name),
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

}  // namespace mudra
