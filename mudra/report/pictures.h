// Small pictures for pages and figures.
#pragma once

#include <vector>

#include "mudra/data/image.h"
#include "mudra/data/image_file.h"
#include "mudra/report/record.h"

namespace mudra {

// A test image as people see it, no side longer than `longest` pixels.
Image thumbnail(const Dataset& data, int64_t row, int longest);

struct DealtRows {
  std::vector<Row> rows;
  size_t example_count;  // the first so many are examples
  std::vector<Row> examples() const {
    return {rows.begin(), rows.begin() + static_cast<int64_t>(example_count)};
  }
};

// Up to `most` test rows. First up to `examples` worth looking at, one of each photograph where they are
// known: mistakes, the surest of them first; then right ones, the least sure first, who get at least a
// quarter of the places. Then the others dealt out one by one over the cells of the confusion matrix,
// mistakes and full cells first, so that the first so many of them show every cell; of a cell, photographs
// not yet shown first.
DealtRows dealt_rows(const RunRecord& record, size_t examples, size_t most);

// Unit images beside each other in a grid of `columns`, colours: blue below zero, white zero, red above;
// `limit` is the value of the full colour. Weights of colour images are averaged over channels.
enum class WeightView { before, after, change };
Image weight_sheet(const WeightImages& weights, WeightView view, int64_t units, int columns, float limit);
// The same of values [units, H, W], 8 in a row, tiny ones enlarged by a whole number, as indices into
// sheet_palette(): a quarter of the bytes, for pages that hold many sheets.
Image indexed_sheet(const Shape& shape, const std::vector<float>& values, float limit);
const Palette& sheet_palette();
// The largest absolute value of a view, at least a tiny positive number.
float weight_limit(const WeightImages& weights, WeightView view, int64_t units);

}  // namespace mudra
