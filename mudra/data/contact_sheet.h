// Pictures of a data set beside each other, with what they are called, as one picture. Several threads may
// draw at once. Throws Error when images that lie on the disk cannot be read.
#pragma once

#include <span>
#include <string>

#include "mudra/data/corrections.h"
#include "mudra/data/dataset.h"
#include "mudra/data/image.h"

namespace mudra {

// What a contact sheet calls class `c`: its name's first letters, or where it lacks one of them "#" and c
// + 1.
std::string sheet_label(const Dataset& data, size_t c);

// Up to `columns` images of each class, a row for each class with its label, as one grey or colour picture.
// With groups, the images of a row come from as many groups as there are.
Image contact_sheet(const Dataset& data, int columns = 16, int cell = 56);

// The images to be corrected, in their order, each above "4>5": its label and what it should be.
Image correction_sheet(const Dataset& data, std::span<const Correction> corrections, int columns = 10,
                       int cell = 84);

}  // namespace mudra
