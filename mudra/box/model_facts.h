// What is to be known of a model before it is used.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mudra/network/model.h"

namespace mudra {

struct PartFacts {
  std::string name;
  Preprocessing input;
  int64_t outputs = 0, weights = 0;
};

struct ModelFacts {
  std::string name;
  std::string
      reads;  // "pictures of any size, brought to 32x32 in grey"; the card's word for it, if it has one
  std::vector<std::string> classes;
  std::string none_class;  // empty: none
  Preprocessing input;
  int64_t weights = 0;  // of the network and all parts
  int64_t bytes = 0;    // of the model file
  std::string hash;     // XXH3-128, as the file itself has it: its `checksum`
  double temperature = 1, rejection_threshold = 0;
  std::map<std::string, std::string> card;
  std::vector<PartFacts> parts;
};

ModelFacts facts_of(const Model& model, const std::string& name);
std::vector<ModelFacts> facts_of_box();  // of every model in the box, by name

// {name, reads, classes, none_class: null or a class, input: {height, width, channels, fit}, weights, bytes,
//  hash, temperature, rejection_threshold, card: {key: text},
//  parts: {NAME: {input, outputs, weights}}}
nlohmann::json to_json(const ModelFacts& facts);

}  // namespace mudra
