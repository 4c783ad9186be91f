#include "mudra/experiment/predictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "mudra/core/atomic_file.h"
#include "mudra/data/csv.h"

namespace mudra {
namespace {

std::string header(const Dataset& data) {
  std::string line = "row,file,group,photograph,fold,label,answer,confidence";
  for (const std::string& name : data.classes) line += "," + csv_field("p_" + name);
  return line + "\n";
}

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

}  // namespace mudra
