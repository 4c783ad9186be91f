// Runs that never were, for tests of their reports.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/report/record.h"

namespace mudra {

// `images` random images of `size` [H, W, C], four of five answered rightly.
inline RunRecord make_record(std::vector<std::string> classes, int64_t images, Shape size) {
  RunRecord record;
  Rng rng(1, Purpose::test);
  const auto k = static_cast<uint64_t>(classes.size());
  const Shape shape{images, size[0], size[1], size[2]};
  std::vector<uint8_t> bytes(static_cast<size_t>(shape.elements()));
  for (auto& value : bytes) value = static_cast<uint8_t>(rng.below(256));
  record.test.pixels = Pixels(shape, std::move(bytes));
  record.test.classes = classes;
  record.answers.classes = static_cast<int64_t>(k);
  for (int64_t i = 0; i < images; ++i) {
    const auto truth = static_cast<int32_t>(rng.below(k));
    record.test.labels.push_back(truth);
    const int32_t label = rng.chance(0.8) ? truth : static_cast<int32_t>(rng.below(k));
    record.answers.labels.push_back(label);
    for (int32_t c = 0; c < static_cast<int32_t>(k); ++c)
      record.answers.probabilities.push_back(c == label ? 0.75F : 0.25F / static_cast<float>(k));
  }
  record.evaluation = evaluate(record.test.labels, record.answers, classes);
  for (int epoch = 1; epoch <= 100; ++epoch) {
    record.history.push_back({.number = epoch,
                              .loss_train = 3 / std::sqrt(epoch),
                              .accuracy_train = 1 - 0.5 / epoch,
                              .loss_held_out = 3.3 / std::sqrt(epoch),
                              .accuracy_held_out = 0.98 - 0.5 / epoch});
  }
  record.weights.shape = Shape{16, size[0], size[1], size[2]};
  for (int64_t i = 0; i < record.weights.shape.elements(); ++i) {
    record.weights.before.push_back(static_cast<float>(rng.normal()));
    record.weights.after.push_back(record.weights.before.back() + static_cast<float>(0.1 * rng.normal()));
  }
  return record;
}

inline std::vector<std::string> numbered_classes(int count) {
  std::vector<std::string> classes;
  for (int i = 0; i < count; ++i) classes.push_back(std::to_string(i));
  return classes;
}

}  // namespace mudra
