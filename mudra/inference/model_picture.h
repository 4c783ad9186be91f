// A picture file as a model wants to see it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "mudra/data/image.h"
#include "mudra/network/model.h"

namespace mudra {

// The longer side of what a model with parts looks for a hand in: larger pictures are brought to it.
inline constexpr int searched_side = 640;

// Made smaller, if it must be, so that its longer side has `most` pixels.
Image within(Image picture, int most);

// The picture of a PNG, JPEG or WebP file to ask a model about. A model with parts gets the whole picture at
// its own aspect ratio, no larger than searched_side, in colour if anything in it sees colours. Any other
// gets it as large as it is, but for large photographs, which have twice the network's input at least. Throws
// Error when the file cannot be read.
Image read_picture_for(const Model& model, const std::string& path);
// The same of a file's bytes; an error names `where`.
Image decode_picture_for(const Model& model, std::span<const uint8_t> file, const std::string& where);

}  // namespace mudra
