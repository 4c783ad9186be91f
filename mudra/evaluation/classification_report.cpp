#include "mudra/evaluation/classification_report.h"

#include <fmt/format.h>

#include <algorithm>
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

struct Row {
  double precision, recall, f1;
};

Row scores(int64_t right, int64_t predicted, int64_t support) {
  const double precision = ratio(static_cast<double>(right), static_cast<double>(predicted));
  const double recall = ratio(static_cast<double>(right), static_cast<double>(support));
  return {precision, recall, ratio(2 * precision * recall, precision + recall)};
}

// Mean of one column over the rows; `weights` may be empty.
double average(std::span<const Row> rows, double Row::*column, std::span<const int64_t> weights) {
  std::vector<double> values;
  double total = weights.empty() ? static_cast<double>(rows.size()) : 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const double weight = weights.empty() ? 1 : static_cast<double>(weights[i]);
    values.push_back(rows[i].*column * weight);
    if (!weights.empty()) total += weight;
  }
  return ratio(numpy_sum(values), total);
}

Row average(std::span<const Row> rows, std::span<const int64_t> weights = {}) {
  return {average(rows, &Row::precision, weights), average(rows, &Row::recall, weights),
          average(rows, &Row::f1, weights)};
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

std::string classification_report(std::span<const int64_t> confusion, std::span<const std::string> names,
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
  int64_t all_right = 0;
  std::vector<int32_t> occurring;
  for (size_t i = 0; i < classes; ++i) {
    all_right += confusion[i * classes + i];
    if (support[i] + predicted[i] > 0) occurring.push_back(static_cast<int32_t>(i));
  }
  const std::vector<int32_t> listed = labels ? std::vector(labels->begin(), labels->end()) : occurring;
  if (listed.empty()) throw Error("there is nothing to report on", "classification report");

  size_t width = std::string_view("weighted avg").size();
  std::vector<Row> rows;
  std::vector<int64_t> weights;
  int64_t right = 0, guessed = 0, total = 0;
  for (int32_t label : listed) {
    if (label < 0 || static_cast<size_t>(label) >= classes) {
      throw Error(fmt::format("label {} is not one of {} classes", label, classes), "classification report");
    }
    const auto i = static_cast<size_t>(label);
    width = std::max(width, length(names[i]));
    rows.push_back(scores(confusion[i * classes + i], predicted[i], support[i]));
    weights.push_back(support[i]);
    right += confusion[i * classes + i];
    guessed += predicted[i];
    total += support[i];
  }

  // scikit-learn counts support in floating point when no prediction at all is right.
  auto support_text = [&](int64_t images) { return fmt::format("{}{}", images, all_right == 0 ? ".0" : ""); };
  std::string text = std::string(width, ' ') + "  precision    recall  f1-score   support\n\n";
  auto add = [&](std::string_view name, const Row& row, int64_t images) {
    text += fmt::format("{}  {:9.2f} {:9.2f} {:9.2f} {:>9}\n", right_aligned(name, width), row.precision,
                        row.recall, row.f1, support_text(images));
  };
  for (size_t i = 0; i < rows.size(); ++i) add(names[static_cast<size_t>(listed[i])], rows[i], weights[i]);
  text += '\n';

  const Row micro = scores(right, guessed, total);
  std::vector<int32_t> sorted = listed;
  std::ranges::sort(sorted);
  if (sorted == occurring) {
    text += fmt::format("{} {:>10} {:>9} {:9.2f} {:>9}\n", right_aligned("accuracy", width), "", "", micro.f1,
                        support_text(total));
  } else {
    add("micro avg", micro, total);
  }
  add("macro avg", average(rows), total);
  add("weighted avg", average(rows, weights), total);
  return text;
}

}  // namespace mudra
