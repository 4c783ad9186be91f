// What may be chosen about a training that is watched step by step.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "mudra/data/dataset.h"
#include "mudra/experiment/options.h"

namespace mudra {

// The name of the data that are the recordings of a studio.
inline constexpr const char* recorded_signs = "signs";

// Options of `mudra train` by their names: those of a training in which nothing is hidden from whoever
// watches (no changed images, no averaged weights). `data` must be synth:N[:DOMAIN], or recorded_signs, which
// are read from the folder `recordings`, as grey images of 28x28 unless another size is asked for. Throws a
// usage Error for other options and other data, and where there are no recordings.
Options live_options(std::map<std::string, std::string> given, const std::filesystem::path& recordings);

// The same training on a command line: mudra train synth:2000 --recipe report --seed 3. What `signs` are read
// from is written as recorded_signs.
std::string command_of(const Options& options);

// Throws a usage Error for a network or data that are too large to be watched, for heads, and for layers
// that compute otherwise while they train (dropout, normalization by batch): one image alone would not show
// what a step does.
void check_live(const Network& network, const Dataset& data, const Options& options);

}  // namespace mudra
