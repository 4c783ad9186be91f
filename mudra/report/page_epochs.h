// What the page holds of the epochs that were kept.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "mudra/report/record.h"

namespace mudra {

// Bytes the epochs of a page may take, as text in it: what is more, is left out evenly.
inline constexpr size_t most_epoch_bytes = 900'000;

// {kept, images: held out, pictures: [as examples, without an answer],
//  weights: null or {width, height, units, of, conv, change: whether sheets show the change since the first
//                    epoch shown, limit: of the full colour, largest: weight, both as texts},
//  own: whether the page's other answers are calibrated, or some refused, and these are not,
//  shown: [{number, right, cells: null or [[true, predicted, images]],
//           answers: [[label, its probability, that of the truth, the same as a number]],
//           sheet: null or a PNG}]}
// null when no epoch was kept.
nlohmann::ordered_json epochs_of(const RunRecord& record);

}  // namespace mudra
