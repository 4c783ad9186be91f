// The temperature of a model, and the confidence below which it refuses, from images it has not learned from.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/evaluation/reliability.h"
#include "mudra/inference/answer.h"
#include "mudra/network/model.h"

namespace mudra {

// Rows of a data set and what was answered for them.
struct AnsweredRows {
  std::span<const Row> rows;
  Answers answers;
};

// Whether the answers of a test are right as often as they say.
struct Calibration {
  Reliability after;                  // at the temperature of the model that answered
  std::optional<Reliability> before;  // at temperature 1, where that is another
};

// Set model.temperature, and with a `refuse` above 0 model.rejection_threshold so that no more than that
// share of the model's own signs is refused, and model.card["refusal"], which tells that share and its 95%
// interval: "refuses 2.0% of its own signs (95% interval 1.1% to 3.5%)"; bring the answers tested, of
// temperature 1, to what such a model answers.
//
// Of one training: by its validation part; nothing is changed when that is empty.
// `truth`: the labels of the images tested.
Calibration calibrate_by_validation(const Dataset& data, double refuse, const AnsweredRows& validation,
                                    std::span<const int32_t> truth, Answers& tested, Model& model);
// The same where nothing is tested.
void calibrate_by_validation(const Dataset& data, double refuse, const AnsweredRows& validation,
                             Model& model);
// Of several folds: the model's by the answers of all of them, each fold's by those of the others, so that no
// image tested has a say in how it is tested.
Calibration calibrate_by_folds(const Dataset& data, double refuse, std::vector<AnsweredRows>& tested,
                               Model& model);

// {before: null or a reliability, after: a reliability}, as to_json() of those has them.
nlohmann::json to_json(const Calibration& calibration);

}  // namespace mudra
