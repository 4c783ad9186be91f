// What the page holds of scores, curves and columns.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "mudra/evaluation/evaluation.h"

namespace mudra {

// {counted, overall: [[name, value, interval, [low, value, high]]],
//  classes: [{name, roc, roc_interval, precision, precision_interval, curve: [[false positive rate, recall,
//    precision]]}], worst first, those with the curve of scikit-learn: of two classes the second alone,
//  by: [{column, rows: [[value, pictures, right, accuracy, interval, [low, value, high]]]}]}
// Texts are ready to be shown; what stands in inner brackets is null where the score is undefined.
nlohmann::ordered_json measures_of(const Evaluation& evaluation);

}  // namespace mudra
