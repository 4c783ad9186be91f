#include "mudra/box/model_facts.h"

#include <nlohmann/json.hpp>

#include "mudra/box/box.h"
#include "mudra/core/named.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/network/safetensors.h"

namespace mudra {
namespace {

nlohmann::json to_json(const Preprocessing& input) {
  return {{"height", input.height},
          {"width", input.width},
          {"channels", input.channels},
          {"fit", name_of(input.fit)}};
}

std::string what_is_read(const Model& model) {
  if (const auto known = model.card.find("reads"); known != model.card.end()) return known->second;
  const Preprocessing& to = model.preprocessing;
  return std::string("pictures of any size, ") + (finds_hands(model) ? "the hand in them " : "") +
         "brought to " + std::to_string(to.height) + "x" + std::to_string(to.width) +
         (to.channels == 1 ? " in grey" : " in colour");
}

}  // namespace

ModelFacts facts_of(const Model& model, const std::string& name) {
  const std::string bytes = model_bytes(model);  // the same model is the same file
  ModelFacts facts{name,
                   what_is_read(model),
                   model.classes,
                   model.none_class,
                   model.preprocessing,
                   model.network.parameter_count(),
                   static_cast<int64_t>(bytes.size()),
                   read_safetensors(bytes, name).metadata.at("checksum"),
                   model.temperature,
                   model.rejection_threshold,
                   model.card,
                   {}};
  for (const auto& [part_name, part] : model.parts) {
    const int64_t weights = part.network.parameter_count();
    facts.parts.push_back({part_name, part.preprocessing, part.network.outputs(), weights});
    facts.weights += weights;
  }
  return facts;
}

std::vector<ModelFacts> facts_of_box() {
  std::vector<ModelFacts> all;
  for (const BoxedModel& boxed : boxed_models())
    all.push_back(facts_of(box_model(boxed.name), std::string(boxed.name)));
  return all;
}

nlohmann::json to_json(const ModelFacts& facts) {
  nlohmann::json parts = nlohmann::json::object(), none;
  for (const PartFacts& part : facts.parts)
    parts[part.name] = {{"input", to_json(part.input)}, {"outputs", part.outputs}, {"weights", part.weights}};
  if (!facts.none_class.empty()) none = facts.none_class;
  return {{"name", facts.name},
          {"reads", facts.reads},
          {"classes", facts.classes},
          {"none_class", none},
          {"input", to_json(facts.input)},
          {"weights", facts.weights},
          {"bytes", facts.bytes},
          {"hash", facts.hash},
          {"temperature", facts.temperature},
          {"rejection_threshold", facts.rejection_threshold},
          {"card", facts.card},
          {"parts", std::move(parts)}};
}

}  // namespace mudra
