// Whether a model is right as often as it says: of all answers given with 80% confidence, 80% should be
// right.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "mudra/inference/answer.h"

namespace mudra {

// Answers whose confidence is above `low` and up to `high`; the first bin takes 0, too.
struct ReliabilityBin {
  double low = 0, high = 1;
  int64_t n = 0, right = 0;
  double confidence = 0;  // their mean; 0 without answers
};

struct Reliability {
  // The mean over the bins, by their answers, of how far confidence and share of right answers are apart
  // (Naeini et al. 2015; Guo et al. 2017 with the bins as here).
  double expected_calibration_error = 0;
  double brier = 0;     // mean over images of the sum over classes of (p - y)^2, 0 to 2 (Brier 1950)
  double log_loss = 0;  // mean of -log p of the true class, p no less than 2.2e-16, as scikit-learn has it
  std::vector<ReliabilityBin> bins;  // 15 of equal width
};

// Of N >= 1 images. An answer counts by its largest probability, also where the model refused. Throws Error
// when lengths differ or a label is no class.
Reliability reliability(std::span<const int32_t> truth, const Answers& answers);

// {expected_calibration_error, brier, log_loss, bins: [{low, high, n, right, confidence}]}
nlohmann::json to_json(const Reliability& reliability);

}  // namespace mudra
