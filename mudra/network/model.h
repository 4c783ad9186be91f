// A network with what it takes to use it, and its file. A Model is a plain value; functions that take it as a
// constant may run on several threads at once.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/core/preprocessing.h"
#include "mudra/network/network.h"
#include "mudra/network/safetensors.h"

namespace mudra {

// A network beside the one that answers, such as one that finds the hand in a picture.
struct Part {
  Network network;
  Preprocessing preprocessing;  // height, width and channels are those of network.input
};

// One that is read keeps all of this, whoever wrote the file: every weight is a finite number.
struct Model {
  Network network;
  std::vector<std::string> classes;  // two or more, of different names
  Preprocessing preprocessing;       // height, width and channels (1 or 3) are those of network.input
  // Logits are divided by it before softmax or sigmoid (Guo et al. 2017); finite and above 0.
  double temperature = 1;
  // 0..1: an answer whose largest probability is below it is refused: it is the none_class, or no class. Of a
  // model that finds hands and has a none_class the probability of the likeliest other class counts.
  double rejection_threshold = 0;
  std::string none_class{};                   // the class that means "none of these"; empty: there is none
  std::map<std::string, std::string> card{};  // what people should know of the model: origin, purpose, limits
  std::map<std::string, Part> parts{};        // by their names, 1 to 32 of a-z and 0-9
  // An image and its mirror image show the same: both are asked about, and the logits are averaged.
  bool is_mirrored = false;
  // The file keeps numbers of half precision, to which weights are rounded as it is written.
  bool is_half = false;
};

// Whether it reads rows of features as they are, [1, 1, features, 1], and no pictures: its card says so.
inline constexpr std::string_view feature_input = "features";
inline bool reads_features(const Model& model) {
  const auto input = model.card.find("input");
  return input != model.card.end() && input->second == feature_input;
}

// The model file is safetensors:
//
//   8 bytes   length of the header, little endian
//   header    JSON: "__metadata__" {strings}, then a name, dtype F32 (or F16: marked 2), shape and offsets
//   for every
//             tensor
//   values    tensors one after another, little endian, in the order of their names' layers
//
// Every value of the metadata is a string, most of them with JSON inside:
//
//   format           "mudra 1", or "mudra 2" when there is anything of the lines marked 2, or the network has
//                    heads
//   architecture     {"input": [C, H, W], "layers": [items]}, the last item perhaps "heads(...)" (line.h)
//   classes          [names]
//   preprocessing    {"height", "width": 1 to 4096, "channels", "fit": "stretch" or "keep-aspect"}
//   checksum         XXH3-128 of the whole file with the checksum's own 32 digits read as '0'
//   answer        2  {"temperature", "rejection_threshold", "none_class", "mirrored": true, if it is}
//   card          2  {key: text}
//   parts         2  {name: {"architecture", "outputs": logits (of all heads, at a place), "preprocessing"}}
//
// In a file of half precision all tensors are F16.
// Tensors are "0.weight" by layer, and "finder/0.weight" for the part "finder", behind all others. The same
// model is the same bytes: no time, host or path is kept.
std::string model_bytes(const Model& model);
// Throws Error, whose place is `where`, for anything but a whole file of a model that keeps the limits above.
Model model_from_bytes(std::string_view bytes, const std::string& where);

// The metadata without the checksum.
std::map<std::string, std::string> model_metadata(const Model& model);

// To and from a file; the file appears whole or not at all. Throw Error.
void save_model(const Model& model, const std::filesystem::path& path);
// `path` may also be a run's folder.
Model load_model(const std::filesystem::path& path);

// The tensors of a network in a container, named PREFIX + "0.weight". The network that takes them has its
// layers already; throws Error, whose place is `where`, when a tensor is missing or has another shape.
void put_parameters(const Network& network, const std::string& prefix, Safetensors& content);
void take_parameters(const Safetensors& content, const std::string& prefix, Network& network,
                     const std::string& where, std::string_view remedy = {});

}  // namespace mudra
