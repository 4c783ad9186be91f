#include "mudra/training/class_weights.h"

#include <sstream>

#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/option.h"

namespace mudra {
namespace {

[[noreturn]] void refuse(std::string_view text, const std::string& which) {
  throw usage_error(
      "'" + std::string(text) + "' is not possible", "--class-weights",
      "Say balanced, or one number above 0 for each of the classes" + which + ", separated by commas");
}

}  // namespace

ClassWeights ClassWeights::parse(std::string_view text) {
  ClassWeights chosen{text == "balanced", {}};
  if (text.empty() || chosen.is_balanced) return chosen;
  std::istringstream in(std::string(text) + ",");
  in.exceptions(std::ios::badbit);  // lack of memory among them
  for (std::string part; std::getline(in, part, ',');) {
    const auto value = parse_number<double>(part);
    if (!value || !(*value > 0 && *value < 1e9)) refuse(text, {});
    chosen.values.push_back(*value);
  }
  return chosen;
}

std::string ClassWeights::text() const {
  if (is_balanced) return "balanced";
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ",") + text_of(value);
  return text;
}

std::vector<Scalar> class_weights(const ClassWeights& chosen, const Dataset& data,
                                  std::span<const Row> rows) {
  if (chosen == ClassWeights()) return {};
  std::vector<double> counts(data.classes.size(), 0.0), weights = chosen.values;
  for (const Row row : rows) ++counts[static_cast<size_t>(data.labels[row])];
  if (chosen.is_balanced) {
    for (const double count : counts) weights.push_back(count > 0 ? 1 / count : 1);
  }
  if (weights.size() != counts.size()) refuse(chosen.text(), " " + text_of(data.classes));
  double sum = 0;
  for (size_t c = 0; c < weights.size(); ++c) sum += weights[c] * counts[c];
  std::vector<Scalar> scaled;
  for (const double weight : weights)
    scaled.push_back(static_cast<Scalar>(weight * static_cast<double>(rows.size()) / sum));
  return scaled;
}

ExampleWeights::ExampleWeights(std::vector<Scalar> by_class, std::span<const float> by_row, int64_t max_batch)
    : by_class_(std::move(by_class)), by_row_(by_row), batch_(static_cast<size_t>(max_batch)) {}

std::span<const Scalar> ExampleWeights::operator()(std::span<const int32_t> labels,
                                                   std::span<const Row> rows) {
  if (by_class_.empty() && by_row_.empty()) return {};
  for (size_t i = 0; i < labels.size(); ++i) {
    const Scalar of_class = by_class_.empty() ? 1 : by_class_[static_cast<size_t>(labels[i])];
    const float of_row = by_row_.empty() ? 1 : by_row_[rows[i]];
    batch_[i] = of_class * static_cast<Scalar>(of_row);
  }
  return std::span(batch_).first(labels.size());
}

}  // namespace mudra
