// Which images train and which test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"

namespace mudra {

struct Fold {
  std::vector<int64_t> train, test;  // rows of the data set, in order
  std::string name;
};

struct Split {
  std::string description;
  std::vector<Fold> folds;
};

struct SplitOptions {
  std::string how = "0.8";
  uint64_t seed = 1;
};

Split make_split(const Dataset& data, const SplitOptions& options);

}  // namespace mudra
