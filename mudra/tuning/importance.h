// What mattered: how much of the difference between trials a dimension explains.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mudra/tuning/halving.h"

namespace mudra {

struct Importance {
  std::string name;  // of the dimension
  double share = 0;  // of the variance of the scores, 0 to 1
  int trials = 0;    // in which it played a part
};

// Of every dimension that played a part in at least eight trials, the most important first. The scores are
// those of the first rung, where all trials can be compared. Trials are gathered by choice, or by number into
// four parts of about the same size; the share is omega squared, the part of the variance that lies between
// those parts, less what chance alone puts there (Hays 1963, "Statistics for psychologists").
std::vector<Importance> importances(const SearchSpace& space, std::span<const Trial> trials);

}  // namespace mudra
