// What the page holds of how sure the answers are, and of refusals.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "mudra/report/record.h"

namespace mudra {

// {after: [[mean confidence, share right, pictures, low, high]], the bins with answers in them,
//  before: the same at temperature 1, or null,
//  rows: as calibration_rows() has them, words: [sentence], of both this and refusals}
// null when nothing is known.
nlohmann::ordered_json calibration_of(const RunRecord& record);

}  // namespace mudra
