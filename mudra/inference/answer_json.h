// An answer for other programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "mudra/inference/answer.h"
#include "mudra/network/model.h"

namespace mudra {

// {label, confidence, none, probabilities: {CLASS: p}, logits}, and where the model finds hands: box: {left,
// top, right, bottom} and joints: [[x, y], ...]. What shows none of the signs has label null; `none` is the
// probability of the class for that, null without one.
nlohmann::json to_json(const Answer& answer, const Model& model);

}  // namespace mudra
