// What an example counts in the loss.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mudra/core/tensor.h"
#include "mudra/data/dataset.h"

namespace mudra {

// What an image of each class counts by --class-weights, scaled so that the mean over the images at `rows` is
// 1: the learning rate keeps its meaning. "balanced": images / (classes * images of the class), as
// scikit-learn has it; else one number a class, in the order of the classes. Empty for an empty text. Throws
// a usage Error.
std::vector<Scalar> class_weights(const std::string& text, const Dataset& data, std::span<const Row> rows);

// The weights of a batch's examples: by class, times those given for rows of the data. Allocates nothing when
// called.
class ExampleWeights {
 public:
  // Empty vectors: every class, every row counts 1. `by_row` must outlive it.
  ExampleWeights(std::vector<Scalar> by_class, std::span<const float> by_row, int64_t max_batch);

  // [N], or nothing when every example counts 1; lives until the next call.
  std::span<const Scalar> operator()(std::span<const int32_t> labels, std::span<const Row> rows);

 private:
  std::vector<Scalar> by_class_;
  std::span<const float> by_row_;
  std::vector<Scalar> batch_;
};

}  // namespace mudra
