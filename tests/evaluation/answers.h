// Values by which evaluations are tested.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>

#include "mudra/inference/answer.h"

namespace mudra {

// By scikit-learn, SciPy and NumPy: tests/reference/evaluation.py.
inline const nlohmann::json& evaluation_reference() {
  static const nlohmann::json values =
      nlohmann::json::parse(std::ifstream(MUDRA_SOURCE_DIR "/tests/reference/evaluation.json"));
  return values;
}

// Probability 1 for each predicted class; 0 for all classes where it is refused.
inline Answers sure_answers(std::span<const int32_t> predicted, size_t classes) {
  Answers answers{static_cast<int64_t>(classes), {predicted.begin(), predicted.end()}, {}};
  for (const int32_t label : predicted) {
    for (size_t c = 0; c < classes; ++c)
      answers.probabilities.push_back(label == static_cast<int32_t>(c) ? 1.F : 0.F);
  }
  return answers;
}

}  // namespace mudra
