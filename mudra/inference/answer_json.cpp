#include "mudra/inference/answer_json.h"

#include <nlohmann/json.hpp>

#include "mudra/inference/predictor.h"

namespace mudra {

nlohmann::json to_json(const Answer& answer, const Model& model) {
  const int32_t none = none_label(model);
  nlohmann::json probabilities = nlohmann::json::object(), label, none_probability;
  for (size_t c = 0; c < model.classes.size(); ++c) probabilities[model.classes[c]] = answer.probabilities[c];
  if (answer.label != none) label = model.classes[static_cast<size_t>(answer.label)];
  if (none != refused) none_probability = answer.probabilities[static_cast<size_t>(none)];
  nlohmann::json json = {{"label", label},
                         {"confidence", answer.confidence},
                         {"none", none_probability},
                         {"probabilities", probabilities},
                         {"logits", answer.logits}};
  if (answer.box)
    json["box"] = {{"left", answer.box->left},
                   {"top", answer.box->top},
                   {"right", answer.box->right},
                   {"bottom", answer.box->bottom}};
  for (const Joint& joint : answer.joints) json["joints"].push_back({joint.x, joint.y});
  return json;
}

}  // namespace mudra
