// A network with what it takes to use it, and its file.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mudra/core/preprocessing.h"
#include "mudra/network/network.h"
#include "mudra/network/safetensors.h"

namespace mudra {

struct Model {
  Network network;
  std::vector<std::string> classes;
  Preprocessing preprocessing;
  double temperature = 1, rejection_threshold = 0;
};

// The tensors of a network in a container, as "PREFIX0.weight". The network taken to has its layers already;
// throws Error, whose place is `where`, when a tensor is missing or has another shape.
void put_parameters(const Network& network, const std::string& prefix, Safetensors& content);
void take_parameters(const Safetensors& content, const std::string& prefix, Network& network,
                     const std::string& where, std::string_view remedy = {});

// The model file is safetensors:
//
//   8 bytes   length of the header, little endian
//   header    JSON: "__metadata__" {strings}, then a name, dtype F32, shape and offsets for every tensor
//   values    tensors one after another, little endian, in the order of their names' layers
//
// Metadata: `format` "mudra 1"; `architecture` {"input": [C, H, W], "layers": [items]}; `classes` [names];
// `preprocessing` {...}; `checksum`, XXH3-128 of the whole file with the checksum's own 32 digits read as
// '0'. The same model is the same bytes: no time, host or path is kept.
std::string model_bytes(const Model& model);
Model model_from_bytes(std::string_view bytes, const std::string& where);

// What the model file says beside weights and checksum: `format`, `architecture`, `classes`, `preprocessing`.
std::map<std::string, std::string> model_metadata(const Model& model);

// To and from a file; the file appears whole or not at all. Throw Error.
void save_model(const Model& model, const std::filesystem::path& path);
// `path` may also be a run's folder.
Model load_model(const std::filesystem::path& path);

}  // namespace mudra
