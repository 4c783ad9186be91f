// Labels put right by a file that people can read and edit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "mudra/data/dataset.h"

namespace mudra {

struct Correction {
  Row row;            // of the data set
  int32_t label;      // index into its classes: what the label should be
  double confidence;  // 0..1
};

// Writes a CSV with the columns row,file,label,suggestion,confidence and a line for each correction. `row`
// counts from 0 in the source, as in predictions.csv; `label` is the one the image has. Throws Error.
void write_corrections(const Dataset& data, std::span<const Correction> corrections,
                       const std::filesystem::path& path);

// Sets the labels of a data set as it was read, by such a file, whose columns `file` and `confidence` may be
// missing, and notes in `data` how many changed. Nothing is changed unless every line fits: its row is there
// and named once, has the file and the label the line says, and the suggestion is one of the classes. Throws
// Error that names the line.
void apply_corrections(const std::string& path, Dataset& data);

}  // namespace mudra
