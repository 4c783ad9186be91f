#include "mudra/evaluation/classification_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "mudra/core/error.h"

namespace mudra {
namespace {

// Adds in NumPy's order (pairwise, eight partial sums), so that the last digit rounds as it does there.
double numpy_sum(std::span<const double> values) {
  const size_t n = values.size();
  if (n < 8) {
    double sum = 0;
    for (double value : values) sum += value;
    return sum;
  }
  if (n > 128) {
    const size_t half = n / 2 - n / 2 % 8;
    return numpy_sum(values.first(half)) + numpy_sum(values.subspan(half));
  }
  double part[8];
  std::copy_n(values.begin(), 8, part);
  size_t i = 8;
  for (; i + 8 <= n; i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) part[lane] += values[i + lane];
  }
  double sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
  for (; i < n; ++i) sum += values[i];
  return sum;
}

double ratio(double numerator, double denominator) { return denominator == 0 ? 0 : numerator / denominator; }

ReportRow scores(std::string name, int64_t right, int64_t predicted, int64_t support) {
  const double precision = ratio(static_cast<double>(right), static_cast<double>(predicted));
  const double recall = ratio(static_cast<double>(right), static_cast<double>(support));
  const double f1 = ratio(2 * precision * recall, precision + recall);
  return {std::move(name), precision, recall, f1, right, predicted, support};
}

// Mean of one column over the rows, each counted once or by its support.
double average(std::span<const ReportRow> rows, double ReportRow::*column, bool weighted) {
  std::vector<double> values;
  double total = 0;
  for (const ReportRow& row : rows) {
    const double weight = weighted ? static_cast<double>(row.support) : 1;
    values.push_back(row.*column * weight);
    total += weight;
  }
  return ratio(numpy_sum(values), total);
}

ReportRow average(std::string name, const ReportTable& table, bool weighted) {
  const auto mean = [&](double ReportRow::*column) { return average(table.classes, column, weighted); };
  return {std::move(name),
          mean(&ReportRow::precision),
          mean(&ReportRow::recall),
          mean(&ReportRow::f1),
          0,
          0,
          table.summary[0].support};
}

// Code points of a UTF-8 text, as Python's len() counts.
size_t length(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// fmt pads by display columns and Python by code points.
std::string right_aligned(std::string_view text, size_t width) {
  const size_t points = length(text);
  return std::string(width > points ? width - points : 0, ' ').append(text);
}

}  // namespace

std::vector<ReportRow> class_scores(std::span<const int64_t> confusion, std::span<const int64_t> support,
                                    std::span<const std::string> names) {
  const size_t classes = names.size();
  std::vector<ReportRow> rows;
  for (size_t i = 0; i < classes; ++i) {
    int64_t predicted = 0;
    for (size_t j = 0; j < classes; ++j) predicted += confusion[j * classes + i];
    rows.push_back(scores(names[i], confusion[i * classes + i], predicted, support[i]));
  }
  return rows;
}

ReportTable report_table(const std::vector<ReportRow>& scores_of_all) {
  ReportTable table;
  int64_t right = 0, total = 0;
  for (const ReportRow& row : scores_of_all) {
    if (row.support + row.predicted > 0) table.classes.push_back(row);
    right += row.right;
    total += row.support;
  }
  if (table.classes.empty()) throw Error("there is nothing to report on", "classification report");
  ReportRow accuracy = scores("accuracy", right, total, total);
  accuracy.precision = accuracy.recall = std::numeric_limits<double>::quiet_NaN();
  table.summary = {accuracy};
  table.summary.push_back(average("macro avg", table, false));
  table.summary.push_back(average("weighted avg", table, true));
  return table;
}

std::string two_digits(double value) { return std::isnan(value) ? "" : fmt::format("{:.2f}", value); }

std::string classification_report(const std::vector<ReportRow>& scores_of_all) {
  const ReportTable table = report_table(scores_of_all);
  size_t width = std::string_view("weighted avg").size();
  for (const ReportRow& row : table.classes) width = std::max(width, length(row.name));
  // scikit-learn counts support in floating point when no prediction at all is right.
  const char* point = table.summary[0].right == 0 ? ".0" : "";
  std::string text = std::string(width, ' ') + "  precision    recall  f1-score   support\n\n";
  const auto add = [&](const ReportRow& row) {
    text += fmt::format("{}  {:>9} {:>9} {:>9} {:>9}\n", right_aligned(row.name, width),
                        two_digits(row.precision), two_digits(row.recall), two_digits(row.f1),
                        fmt::format("{}{}", row.support, point));
  };
  std::ranges::for_each(table.classes, add);
  text += '\n';
  std::ranges::for_each(table.summary, add);
  return text;
}

}  // namespace mudra
