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
  return {std::move(name), precision, recall, ratio(2 * precision * recall, precision + recall), support};
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

ReportRow average(std::string name, std::span<const ReportRow> rows, bool weighted, int64_t support) {
  return {std::move(name), average(rows, &ReportRow::precision, weighted),
          average(rows, &ReportRow::recall, weighted), average(rows, &ReportRow::f1, weighted), support};
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

ReportTable report_table(std::span<const int64_t> confusion, std::span<const std::string> names,
                         std::optional<std::span<const int32_t>> labels) {
  const size_t classes = names.size();
  if (confusion.size() != classes * classes) {
    throw Error(fmt::format("{} counts do not make a square of {} classes", confusion.size(), classes),
                "classification report");
  }
  std::vector<int64_t> predicted(classes), support(classes);
  for (size_t truth = 0; truth < classes; ++truth) {
    for (size_t guess = 0; guess < classes; ++guess) {
      support[truth] += confusion[truth * classes + guess];
      predicted[guess] += confusion[truth * classes + guess];
    }
  }
  std::vector<int32_t> occurring;
  for (size_t i = 0; i < classes; ++i) {
    if (support[i] + predicted[i] > 0) occurring.push_back(static_cast<int32_t>(i));
  }
  std::vector<int32_t> listed = labels ? std::vector(labels->begin(), labels->end()) : occurring;
  if (listed.empty()) throw Error("there is nothing to report on", "classification report");

  ReportTable table;
  int64_t right = 0, guessed = 0, total = 0;
  for (int32_t label : listed) {
    if (label < 0 || static_cast<size_t>(label) >= classes) {
      throw Error(fmt::format("label {} is not one of {} classes", label, classes), "classification report");
    }
    const auto i = static_cast<size_t>(label);
    table.classes.push_back(scores(names[i], confusion[i * classes + i], predicted[i], support[i]));
    right += confusion[i * classes + i];
    guessed += predicted[i];
    total += support[i];
  }
  ReportRow micro = scores("micro avg", right, guessed, total);
  std::ranges::sort(listed);
  if (listed == occurring) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    micro = {"accuracy", none, none, micro.f1, total};
  }
  table.summary = {micro, average("macro avg", table.classes, false, total),
                   average("weighted avg", table.classes, true, total)};
  return table;
}

std::string classification_report(std::span<const int64_t> confusion, std::span<const std::string> names,
                                  std::optional<std::span<const int32_t>> labels) {
  const ReportTable table = report_table(confusion, names, labels);
  int64_t all_right = 0;
  for (size_t i = 0; i < names.size(); ++i) all_right += confusion[i * names.size() + i];
  size_t width = std::string_view("weighted avg").size();
  for (const ReportRow& row : table.classes) width = std::max(width, length(row.name));

  // scikit-learn counts support in floating point when no prediction at all is right.
  auto support_text = [&](int64_t images) { return fmt::format("{}{}", images, all_right == 0 ? ".0" : ""); };
  std::string text = std::string(width, ' ') + "  precision    recall  f1-score   support\n\n";
  auto add = [&](const ReportRow& row) {
    if (std::isnan(row.precision)) {
      text += fmt::format("{} {:>10} {:>9} {:9.2f} {:>9}\n", right_aligned(row.name, width), "", "", row.f1,
                          support_text(row.support));
      return;
    }
    text += fmt::format("{}  {:9.2f} {:9.2f} {:9.2f} {:>9}\n", right_aligned(row.name, width), row.precision,
                        row.recall, row.f1, support_text(row.support));
  };
  for (const ReportRow& row : table.classes) add(row);
  text += '\n';
  for (const ReportRow& row : table.summary) add(row);
  return text;
}

}  // namespace mudra
