// What an example counts in the loss.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/tensor.h"
#include "mudra/data/dataset.h"

namespace mudra {

// What --class-weights says: nothing, "balanced", or one number above 0 for each class.
struct ClassWeights {
  bool is_balanced = false;
  std::vector<double> values;  // in the order of the classes

  static ClassWeights parse(std::string_view text);  // throws a usage Error
  std::string text() const;
  bool operator==(const ClassWeights&) const = default;
};

// What an image of each class counts in the loss, scaled so that the mean over the images at `rows` is 1 and
// the learning rate keeps its meaning. Balanced: images / (classes * images of the class), as scikit-learn
// has it. Empty when nothing was chosen. Throws a usage Error when there are not as many values as classes.
std::vector<Scalar> class_weights(const ClassWeights& chosen, const Dataset& data, std::span<const Row> rows);

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
