#include "mudra/training/class_weights.h"

#include <sstream>

#include "mudra/core/error.h"
#include "mudra/core/number.h"

namespace mudra {
namespace {

// One number above 0 for every class; nothing when the text is not that.
std::vector<double> numbers_of(const std::string& text, size_t classes) {
  std::vector<double> numbers;
  std::istringstream in(text + ",");
  for (std::string part; std::getline(in, part, ',');) {
    const auto value = parse_number<double>(part);
    if (!value || !(*value > 0 && *value < 1e9)) return {};
    numbers.push_back(*value);
  }
  return numbers.size() == classes ? numbers : std::vector<double>();
}

}  // namespace

std::vector<Scalar> class_weights(const std::string& text, const Dataset& data, std::span<const Row> rows) {
  if (text.empty()) return {};
  std::vector<double> counts(data.classes.size(), 0.0);
  for (const Row row : rows) ++counts[static_cast<size_t>(data.labels[row])];
  std::vector<double> weights;
  if (text == "balanced") {
    for (const double count : counts) weights.push_back(count > 0 ? 1 / count : 1);
  } else {
    weights = numbers_of(text, data.classes.size());
  }
  if (weights.empty()) {
    std::string names;
    for (const std::string& name : data.classes) names += (names.empty() ? "" : ", ") + name;
    throw usage_error(
        "'" + text + "' is not possible", "--class-weights",
        "Say balanced, or one number above 0 for each of the classes " + names + ", separated by commas");
  }
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
