// What a data set holds, and what looks wrong with it. Several threads may inspect one data set at once.
// Throws Error when images that lie on the disk cannot be read, or when it is asked to stop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"

namespace mudra {

// Rows something is wrong with: all are counted, the first of them listed.
struct Suspects {
  static constexpr size_t most_listed = 100'000;
  int64_t count = 0;
  std::vector<Row> rows;

  void add(Row row) {
    ++count;
    if (rows.size() < most_listed) rows.push_back(row);
  }
};

struct Inspection {
  int64_t images = 0;
  int height = 0, width = 0, channels = 0;
  float low = 0, high = 0;  // pixel values, nominally 0..1
  double mean = 0, deviation = 0;

  std::vector<int64_t> class_counts;               // in the order of Dataset::classes
  std::vector<std::vector<int64_t>> group_counts;  // [group][class]; empty without groups

  Suspects constant;                         // of one brightness all over (to 2 of 255)
  Suspects conflicting;                      // with a duplicate of another class
  Suspects inverted;                         // resemble the negative of the average image
  int64_t copies = 0;                        // exact copies of an earlier image
  std::vector<std::vector<Row>> duplicates;  // rows whose pixels are exactly the same, at least two each; no
                                             // more rows than Suspects lists

  std::vector<std::string> warnings;  // the above and imbalance in one sentence each
};

// Looks at every image twice, with 8 bytes of memory for each and at most 8 more for each that has a copy.
Inspection inspect(const Dataset& data, const Progress& progress = {});

}  // namespace mudra
