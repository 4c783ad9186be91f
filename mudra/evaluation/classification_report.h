// The table of precision, recall and F1 that scikit-learn prints.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mudra {

struct ReportRow {
  std::string name;
  double precision, recall, f1;  // precision and recall of the row `accuracy` are NaN
  int64_t support;
};

// The table as values: a row for each class, then accuracy (or micro avg), macro avg and weighted avg.
struct ReportTable {
  std::vector<ReportRow> classes, summary;
};

// As classification_report below, which prints it.
ReportTable report_table(std::span<const int64_t> confusion, std::span<const std::string> names,
                         std::optional<std::span<const int32_t>> labels = {});

// Equal, character by character, to scikit-learn 1.2.1's
// classification_report(truth, predicted, labels=labels, target_names=names), zero_division 0.
// `confusion` is [K, K], rows true, columns predicted; `names` has K entries. Without `labels` the rows
// are the classes that occur in either; with them (indices, in the order wanted) the accuracy row
// becomes `micro avg` unless they are exactly the classes that occur.
std::string classification_report(std::span<const int64_t> confusion, std::span<const std::string> names,
                                  std::optional<std::span<const int32_t>> labels = {});

}  // namespace mudra
