// Shows what an augmentation does.
#pragma once

#include <cstdint>

#include "mudra/data/dataset.h"
#include "mudra/data/image.h"
#include "mudra/features/augmentation.h"

namespace mudra {

// Images of every class in turn, as they are in the first row and below as `variants` epochs of training with
// this seed would see them.
Image augment_sheet(const Dataset& data, const Augmentation& augmentation, uint64_t seed, int variants = 7,
                    int columns = 16, int cell = 56);

}  // namespace mudra
