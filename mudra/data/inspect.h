// What a data set holds, and what looks wrong with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/image.h"

namespace mudra {

struct Inspection {
  int64_t images = 0;
  int height = 0, width = 0, channels = 0;
  float low = 0, high = 0;  // pixel values, nominally 0..1
  double mean = 0, deviation = 0;

  std::vector<int64_t> class_counts;               // in the order of Dataset::classes
  std::vector<std::vector<int64_t>> group_counts;  // [group][class]; empty without groups

  std::vector<int64_t> constant;                 // rows of one brightness all over (to 2 of 255)
  std::vector<std::vector<int64_t>> duplicates;  // rows whose pixels are exactly the same, at least two each
  std::vector<int64_t> conflicting;              // rows with a duplicate of another class
  std::vector<int64_t> inverted;                 // rows that resemble the negative of the average image

  std::vector<std::string> warnings;  // the above and imbalance in one sentence each
};

Inspection inspect(const Dataset& data);

// Up to `columns` images of each class, a row for each class with its name, as one grey or colour picture.
// With groups, the images of a row come from as many groups as there are.
Image contact_sheet(const Dataset& data, int columns = 16, int cell = 56);

}  // namespace mudra
