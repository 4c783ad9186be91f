#include "mudra/network/model.h"

#include <nlohmann/json.hpp>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"

namespace mudra {
namespace {

using Json = nlohmann::json;
constexpr const char* format = "mudra 1";
constexpr size_t file_limit = size_t{1} << 30;

Json to_json(const Preprocessing& p) {
  return {{"height", p.height},
          {"width", p.width},
          {"channels", p.channels},
          {"fit", p.fit == Fit::stretch ? "stretch" : "keep-aspect"}};
}

Preprocessing preprocessing_from(const Json& json) {
  return {json.at("height").get<int>(), json.at("width").get<int>(), json.at("channels").get<int>(),
          json.at("fit") == "stretch" ? Fit::stretch : Fit::keep_aspect};
}

std::string joined(const Json& items) {
  std::string line;
  for (const Json& item : items) line += (line.empty() ? "" : ", ") + item.get<std::string>();
  return line;
}

std::vector<int64_t> sizes(const Shape& shape) {
  std::vector<int64_t> all;
  for (int axis = 0; axis < shape.rank(); ++axis) all.push_back(shape[axis]);
  return all;
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
  const Shape& in = model.network.input;
  return {{"format", format},
          {"architecture", Json{{"input", {in[3], in[1], in[2]}}, {"layers", model.network.items()}}.dump()},
          {"classes", Json(model.classes).dump()},
          {"preprocessing", to_json(model.preprocessing).dump()}};
}

std::string model_bytes(const Model& model) {
  Safetensors content;
  content.metadata = model_metadata(model);
  put_parameters(model.network, "", content);
  return write_safetensors(content);
}

Model model_from_bytes(std::string_view bytes, const std::string& where) {
  const Safetensors content = read_safetensors(bytes, where);
  Model model;
  try {
    if (content.metadata.at("format") != format) {
      throw Error("has format '" + content.metadata.at("format") + "', not '" + format + "'", where,
                  "Use the version of mudra that wrote it");
    }
    const Json architecture = Json::parse(content.metadata.at("architecture"));
    const Json& in = architecture.at("input");
    const Shape input = {1, in.at(1).get<int64_t>(), in.at(2).get<int64_t>(), in.at(0).get<int64_t>()};
    for (const int axis : {1, 2, 3}) {
      if (input[axis] < 1 || input[axis] > 4096)
        throw Error("has an impossible input " + input.text(), where);
    }
    model.classes = Json::parse(content.metadata.at("classes")).get<std::vector<std::string>>();
    model.preprocessing = preprocessing_from(Json::parse(content.metadata.at("preprocessing")));
    model.network = Network::parse(joined(architecture.at("layers")), input,
                                   outputs_for(static_cast<int64_t>(model.classes.size())));
  } catch (const Json::exception& error) {
    throw Error(std::string("has metadata that cannot be read (") + error.what() + ")", where);
  } catch (const LineError& error) {
    throw Error(std::string("describes no network (") + error.what() + ")", where);
  } catch (const std::out_of_range&) {
    throw Error("lacks metadata of a model", where, "Use a model file written by `mudra train`");
  }
  take_parameters(content, "", model.network, where);
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
