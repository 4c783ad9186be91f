// Looks for wrong labels: every image is answered for by a network that has not seen its hand.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "mudra/evaluation/label_errors.h"
#include "mudra/experiment/experiment.h"
#include "mudra/experiment/load_data.h"

namespace mudra {

struct LabelCheck {
  Experiment experiment;  // without a training on all images
  ExperimentResult result;
  LabelErrors errors;
  std::vector<std::string> warnings;  // what the check may have missed, most important first
};

// The experiment of a check of what load_to_check() read: a class may be missing from some training parts.
// Throws Error.
Experiment prepare_check(LoadedData loaded, const Options& options, std::vector<Extra> extra = {});

// Trains every fold and judges the labels by the answers; nothing when a stop was requested.
std::optional<LabelCheck> check_labels(Experiment experiment, ThreadTeam& team,
                                       const ExperimentEvents& events = {}, const std::stop_token& stop = {});

// [{row, file, group, label, suggestion, confidence}]: `row` counts from 0 in the source; null for what is
// not known.
nlohmann::json to_json(const Dataset& data, std::span<const LabelSuspect> suspects);

}  // namespace mudra
