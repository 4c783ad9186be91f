// The table of precision, recall and F1 that scikit-learn prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mudra {

// A ratio whose denominator is 0 is 0. Recall is the accuracy within the class.
struct ReportRow {
  std::string name;
  double precision, recall, f1;  // precision and recall of the row `accuracy` are NaN
  int64_t right, predicted;      // images said to be of this class: those that are, and all
  int64_t support;               // images that truly are of this class
};

// A row for each of K classes: `confusion` is [K, K], rows true, columns predicted; `support` counts the
// images of each class, those that were refused among them; `names` has K entries.
std::vector<ReportRow> class_scores(std::span<const int64_t> confusion, std::span<const int64_t> support,
                                    std::span<const std::string> names);

// The table as values: a row for each class that occurs in either, then accuracy, macro avg and weighted avg.
struct ReportTable {
  std::vector<ReportRow> classes, summary;
};

// `scores`: of all classes. Throws Error when none occurs.
ReportTable report_table(const std::vector<ReportRow>& scores);

// A number as the table has it; nothing for NaN.
std::string two_digits(double value);

// Equal, character by character, to scikit-learn 1.2.1's
// classification_report(truth, predicted, target_names=names), zero_division 0, of such scores.
std::string classification_report(const std::vector<ReportRow>& scores);

}  // namespace mudra
