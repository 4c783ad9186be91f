#include "mudra/inference/calibration.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "mudra/core/portable_math.h"

namespace mudra {
namespace {

constexpr double least_temperature = 0.05, largest_temperature = 20;
constexpr double least_probability = 1e-37;  // a float's; its logarithm is a number

std::vector<double> log_probabilities(const Answers& answers) {
  std::vector<double> logs;
  logs.reserve(answers.probabilities.size());
  for (const float p : answers.probabilities)
    logs.push_back(portable::log(std::max(static_cast<double>(p), least_probability)));
  return logs;
}

// e^(power l) of a row, scaled to add up to 1.
void softmax(std::span<const double> logs, double power, std::span<double> out) {
  const double largest = *std::ranges::max_element(logs);
  double sum = 0;
  for (size_t k = 0; k < logs.size(); ++k) sum += out[k] = portable::exp(power * (logs[k] - largest));
  for (double& p : out) p /= sum;
}

}  // namespace

Answers tempered(const Answers& answers, double power) {
  Answers changed = answers;
  const auto classes = static_cast<size_t>(answers.classes);
  const std::vector<double> logs = log_probabilities(answers);
  std::vector<double> row(classes);
  for (size_t at = 0; at < logs.size(); at += classes) {
    softmax(std::span(logs).subspan(at, classes), power, row);
    std::ranges::transform(row, changed.probabilities.begin() + static_cast<std::ptrdiff_t>(at),
                           [](double p) { return static_cast<float>(p); });
  }
  return changed;
}

double fit_temperature(std::span<const int32_t> truth, const Answers& answers, int64_t independent) {
  assert(truth.size() == answers.size() && independent >= 1);
  const auto classes = static_cast<size_t>(answers.classes);
  const std::vector<double> logs = log_probabilities(answers);
  const double n = static_cast<double>(independent), other = 1 / (n + static_cast<double>(classes));
  const double own = (n + 1) * other;
  std::vector<double> p(classes);
  // The loss is convex in the power b = 1/T; its slope is the sum of l (p(b) - target).
  const auto slope = [&](double power) {
    double sum = 0;
    for (size_t i = 0; i < truth.size(); ++i) {
      const auto row = std::span(logs).subspan(i * classes, classes);
      softmax(row, power, p);
      for (size_t k = 0; k < classes; ++k)
        sum += row[k] * (p[k] - (k == static_cast<size_t>(truth[i]) ? own : other));
    }
    return sum;
  };
  double low = 1 / largest_temperature, high = 1 / least_temperature;
  for (int step = 0; step < 32; ++step) {
    const double middle = std::sqrt(low * high);
    (slope(middle) < 0 ? low : high) = middle;
  }
  return 1 / std::sqrt(low * high);
}

double rejection_threshold(const Answers& answers, double share) {
  if (answers.size() == 0) return 0;
  std::vector<float> confidences;
  for (size_t i = 0; i < answers.size(); ++i) confidences.push_back(answers.confidence(i));
  const auto refused_images = static_cast<size_t>(share * static_cast<double>(confidences.size()) + 1e-9);
  if (refused_images == 0) return 0;
  const auto at =
      confidences.begin() + static_cast<std::ptrdiff_t>(std::min(refused_images, confidences.size() - 1));
  std::ranges::nth_element(confidences, at);
  return *at;
}

}  // namespace mudra
