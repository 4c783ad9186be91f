#include "mudra/network/model.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"

namespace mudra {
namespace {

using Json = nlohmann::json;
constexpr std::string_view formats[] = {"mudra 1", "mudra 2"};
constexpr size_t most_parts = 8;
constexpr int64_t most_outputs = 8192;
constexpr int64_t most_pixels = 4096;  // of an image's side
constexpr size_t file_limit = size_t{1} << 30;

Json to_json(const Preprocessing& p) {
  return {{"height", p.height}, {"width", p.width}, {"channels", p.channels}, {"fit", name_of(p.fit)}};
}

// What is done to the images of a network that has them as its input.
Preprocessing preprocessing_from(const Json& json, const Network& network, const std::string& where) {
  const auto side = [&](const char* key) {
    return static_cast<int>(whole_number(json, key, 1, most_pixels, where));
  };
  const auto fit = value_named<Fit>(json.at("fit").get<std::string>());
  if (!fit) throw Error("fits images in an unknown way, " + json.at("fit").dump(), where);
  const Preprocessing p{side("height"), side("width"), side("channels"), *fit};
  if (p.channels != 1 && p.channels != 3)
    throw Error("has images of " + std::to_string(p.channels) + " channels, not 1 or 3", where);
  if (network.input != Shape{1, p.height, p.width, p.channels}) {
    throw Error("has images of another shape than its network's " + network.input.text(), where);
  }
  return p;
}

Json architecture_of(const Network& network) {
  const Shape& in = network.input;
  return {{"input", {in[3], in[1], in[2]}}, {"layers", network.items()}};
}

Network network_from(const Json& architecture, int64_t outputs, const std::string& where) {
  const Json& in = architecture.at("input");
  const auto size = [&](size_t axis) {
    return whole_number({{"input", in.at(axis)}}, "input", 1, most_pixels, where);
  };
  const Shape input = {1, size(1), size(2), size(0)};
  std::string line;
  for (const Json& item : architecture.at("layers")) {
    line += (line.empty() ? "" : ", ") + item.get<std::string>();
  }
  return Network::parse(line, input, outputs);
}

// Of the last layer: logits, or the channels of all heads.
int64_t last_channels(const Network& network) {
  return network.heads.empty() ? network.outputs() : channels_of(network.heads);
}

// What format 2 adds.
bool is_plain(const Model& model) {
  return model.network.heads.empty() && model.temperature == 1 && model.rejection_threshold == 0 &&
         model.none_class.empty() && model.card.empty() && model.parts.empty() && !model.is_mirrored &&
         !model.is_half;
}

void take_answer(const Json& json, Model& model, const std::string& where) {
  model.temperature = json.at("temperature").get<double>();
  model.rejection_threshold = json.at("rejection_threshold").get<double>();
  model.none_class = json.at("none_class").get<std::string>();
  model.is_mirrored = json.value("mirrored", false);
  if (!std::isfinite(model.temperature) || model.temperature <= 0) {
    throw Error("has an impossible temperature " + json.at("temperature").dump(), where);
  }
  if (!(model.rejection_threshold >= 0 && model.rejection_threshold <= 1)) {
    throw Error("has an impossible threshold " + json.at("rejection_threshold").dump(), where);
  }
  if (!model.none_class.empty() && std::ranges::count(model.classes, model.none_class) != 1) {
    throw Error("has no class '" + model.none_class + "' to mean none of these", where);
  }
}

Part part_from(const std::string& name, const Json& json, const std::string& where) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (name.empty() || name.size() > 32 || name.find_first_not_of(letters) != std::string::npos) {
    throw Error("has a part of an impossible name", where);
  }
  const std::string part_of = where + ", part " + name;
  const int64_t outputs = whole_number(json, "outputs", 1, most_outputs, part_of);
  Part part{network_from(json.at("architecture"), outputs, part_of), {}};
  if (last_channels(part.network) != outputs) {
    throw Error(
        "has " + std::to_string(outputs) + " outputs, unlike its `" + heads_text(part.network.heads) + "`",
        part_of);
  }
  part.preprocessing = preprocessing_from(json.at("preprocessing"), part.network, part_of);
  return part;
}

// Throws Error for weights and classes that no training leaves.
void check_values(const Safetensors& content, const std::vector<std::string>& classes,
                  const std::string& where) {
  for (const NamedArray& array : content.arrays) {
    if (!std::ranges::all_of(array.values, [](float value) { return std::isfinite(value); }))
      throw Error("has a value in tensor " + array.name + " that is no number", where);
  }
  if (classes.size() < 2) throw Error("has fewer than two classes", where);
  if (std::set(classes.begin(), classes.end()).size() != classes.size())
    throw Error("has two classes of one name", where);
}

}  // namespace

void put_parameters(const Network& network, const std::string& prefix, Safetensors& content) {
  for (const Network::ConstNamed& named : network.parameters()) {
    const std::vector<Scalar> values = to_file_order(named.parameter);
    content.arrays.push_back({prefix + named.name, sizes(file_shape(named.parameter)), {}});
    content.arrays.back().values.assign(values.begin(), values.end());
  }
}

void take_parameters(const Safetensors& content, const std::string& prefix, Network& network,
                     const std::string& where, std::string_view remedy) {
  for (const Network::Named& named : network.parameters()) {
    const NamedArray* array = content.find(prefix + named.name);
    const Shape shape = file_shape(named.parameter);
    if (!array || array->shape != sizes(shape)) {
      throw Error("lacks tensor " + prefix + named.name + " of shape " + shape.text(), where, remedy);
    }
    from_file_order(named.parameter, std::vector<Scalar>(array->values.begin(), array->values.end()));
  }
}

std::map<std::string, std::string> model_metadata(const Model& model) {
  std::map<std::string, std::string> metadata = {{"format", std::string(formats[is_plain(model) ? 0 : 1])},
                                                 {"architecture", architecture_of(model.network).dump()},
                                                 {"classes", Json(model.classes).dump()},
                                                 {"preprocessing", to_json(model.preprocessing).dump()}};
  if (is_plain(model)) return metadata;
  Json answer = {{"temperature", model.temperature},
                 {"rejection_threshold", model.rejection_threshold},
                 {"none_class", model.none_class}};
  if (model.is_mirrored) answer["mirrored"] = true;
  metadata["answer"] = answer.dump();
  metadata["card"] = Json(model.card).dump();
  Json parts = Json::object();
  for (const auto& [name, part] : model.parts) {
    parts[name] = {{"architecture", architecture_of(part.network)},
                   {"outputs", last_channels(part.network)},
                   {"preprocessing", to_json(part.preprocessing)}};
  }
  metadata["parts"] = parts.dump();
  return metadata;
}

std::string model_bytes(const Model& model) {
  Safetensors content;
  content.metadata = model_metadata(model);
  put_parameters(model.network, "", content);
  for (const auto& [name, part] : model.parts) put_parameters(part.network, name + "/", content);
  for (NamedArray& array : content.arrays) array.is_half = model.is_half;
  return write_safetensors(content);
}

Model model_from_bytes(std::string_view bytes, const std::string& where) {
  const Safetensors content = read_safetensors(bytes, where);
  const auto json = [&](const char* key) { return Json::parse(content.metadata.at(key)); };
  Model model;
  try {
    const std::string& format = content.metadata.at("format");
    if (std::ranges::count(formats, format) == 0) {
      throw Error("has format '" + format + "', not '" + std::string(formats[0]) + "' or '" +
                      std::string(formats[1]) + "'",
                  where, "Use the version of mudra that wrote it");
    }
    model.classes = json("classes").get<std::vector<std::string>>();
    check_values(content, model.classes, where);
    model.network =
        network_from(json("architecture"), outputs_for(static_cast<int64_t>(model.classes.size())), where);
    model.preprocessing = preprocessing_from(json("preprocessing"), model.network, where);
    take_parameters(content, "", model.network, where);
    if (format == formats[0]) return model;
    take_answer(json("answer"), model, where);
    model.is_half = std::ranges::any_of(content.arrays, &NamedArray::is_half);
    model.card = json("card").get<std::map<std::string, std::string>>();
    const Json parts = json("parts");
    if (parts.size() > most_parts)
      throw Error("has more than " + std::to_string(most_parts) + " parts", where);
    for (const auto& [name, described] : parts.items()) {
      Part& part = model.parts.emplace(name, part_from(name, described, where)).first->second;
      take_parameters(content, name + "/", part.network, where);
    }
  } catch (const Json::exception& error) {
    throw Error(std::string("has metadata that cannot be read (") + error.what() + ")", where);
  } catch (const LineError& error) {
    throw Error(std::string("describes no network (") + error.what() + ")", where);
  } catch (const std::out_of_range&) {
    throw Error("lacks metadata of a model", where, "Use a model file written by `mudra train`");
  }
  return model;
}

void save_model(const Model& model, const std::filesystem::path& path) {
  write_file_atomically(path, model_bytes(model));
}

Model load_model(const std::filesystem::path& path) {
  const std::filesystem::path file = std::filesystem::is_directory(path) ? path / "model.safetensors" : path;
  return model_from_bytes(read_file(file, file_limit), file.string());
}

}  // namespace mudra
