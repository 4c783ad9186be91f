// The routes that ask the model.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "mudra/core/did_you_mean.h"
#include "mudra/data/image_file.h"
#include "mudra/export/onnx.h"
#include "mudra/features/prepare.h"
#include "mudra/inference/answer_json.h"
#include "mudra/inference/model_picture.h"
#include "mudra/inference/occlusion.h"
#include "mudra/serve/images_document.h"
#include "mudra/serve/json_body.h"
#include "mudra/serve/route.h"
#include "mudra/serve/service.h"

namespace mudra {
namespace {

constexpr std::string_view raw_type = "application/octet-stream";
constexpr std::array<std::string_view, 5> picture_types = {"image/png", "image/jpeg", "image/webp", raw_type,
                                                           json_type};

// An object as `mudra predict --json` has it. A request has no files: `file` is null, and `image` counts its
// pictures.
nlohmann::json answer_json(const Answer& answer, const Model& model, size_t image) {
  nlohmann::json json = to_json(answer, model);
  json["file"] = nullptr;
  json["image"] = image;
  return json;
}

Answer answer_to_file(const Predictor& predictor, const SentPicture& picture) {
  return predictor.answer(decode_picture_for(predictor.model(), bytes_of(picture.bytes), picture.where));
}

// What the network itself takes, as an exported model has it: nobody looks for a hand in it.
Answer answer_to_values(const Predictor& predictor, const std::string& values) {
  const Preprocessing& input = predictor.model().preprocessing;
  const int64_t wanted = int64_t{input.height} * input.width * input.channels;
  if (static_cast<int64_t>(values.size()) != wanted)
    throw HttpError(422,
                    fmt::format("has {} bytes; the model's image of {}x{} in {} has {}", values.size(),
                                input.height, input.width, input.channels == 1 ? "grey" : "colour", wanted),
                    "body",
                    "Send a byte for each value, row by row, or a PNG, JPEG or WebP file as what it is");
  std::vector<float> image(values.size());
  prepare({input.height, input.width, input.channels, {values.begin(), values.end()}}, input, image.data());
  return predictor.answer(image);
}

Response health(const Service& service, const Request&) {
  return json_response({{"ok", true}, {"version", service.version()}, {"model", service.model_name()}});
}

Response models(const Service& service, const Request&) {
  nlohmann::json list = nlohmann::json::array();
  for (const ModelFacts& facts : service.facts()) list.push_back(to_json(facts));
  return json_response(list);
}

// Only what is known is looked up: no request makes the server open a file.
Response model_named(const Service& service, const Request& request) {
  std::vector<std::string> known;
  for (const ModelFacts& facts : service.facts()) {
    if (facts.name == request.name) return json_response(to_json(facts));
    known.push_back(facts.name);
  }
  throw HttpError(404, "no model is called '" + request.name + "'", "/api/models",
                  did_you_mean(request.name, known));
}

Response predict(const Service& service, const Request& request) {
  const std::shared_ptr<const Predictor> predictor = service.predictor(request.parameter_if_any("model"));
  const Model& model = predictor->model();
  const std::string type = media_type(request.content_type);
  if (type == raw_type)
    return json_response(answer_json(answer_to_values(*predictor, request.body), model, 0));
  nlohmann::json answers = nlohmann::json::array();
  for (const SentPicture& picture : sent_pictures(request))
    answers.push_back(answer_json(answer_to_file(*predictor, picture), model, answers.size()));
  return json_response(type == json_type ? answers : answers[0]);
}

// The one picture of a request.
Response explain(const Service& service, const Request& request) {
  const std::shared_ptr<const Predictor> predictor = service.predictor(request.parameter_if_any("model"));
  const std::vector<SentPicture> pictures = sent_pictures(request);
  if (pictures.size() > 1) throw HttpError(400, "has more than one picture", "body", "Send one at a time");
  ThreadTeam team(1);
  const Occlusion found =
      occlusion(*predictor,
                decode_picture_for(predictor->model(), bytes_of(pictures[0].bytes), pictures[0].where), team);
  nlohmann::json json = answer_json(found.answer, predictor->model(), 0);
  json["view"] = nlohmann::json::array();
  for (const Point corner : found.corners) json["view"].push_back({corner.x, corner.y});
  json["side"] = found.side;
  json["values"] = found.falls;
  return json_response(json);
}

Response exported(const Service& service, const Request& request) {
  const Model& model = service.predictor(request.parameter_if_any("model"))->model();
  const bool is_onnx = request.name == "model.onnx";
  if (!is_onnx && request.name != "model.safetensors")
    throw HttpError(404, "there is no '" + request.name + "'", "/api/export",
                    "Ask for model.safetensors or model.onnx");
  return {.content_type = "application/octet-stream",
          .body = is_onnx ? onnx_bytes(model) : model_bytes(model),
          .headers = {{"Content-Disposition", "attachment; filename=\"" + request.name + "\""}}};
}

}  // namespace

std::span<const Route> model_routes() {
  static constexpr Route all[] = {
      {"GET", "/api/health", "whether the server answers, its version and its model", health},
      {"GET",
       "/api/models",
       "what is known of the models: of the one that answers, and of those in the box",
       models,
       {},
       true},
      {"GET", "/api/models/{name}", "the same of one model", model_named, {}, true},
      {"POST", "/api/predict", "what a picture shows, or many", predict, picture_types},
      {"POST", "/api/explain", "what in a picture the answer hangs on", explain, pictures_types},
      {"GET", "/api/export/{name}", "a model as a file: model.safetensors or model.onnx", exported, {}, true},
  };
  return all;
}

}  // namespace mudra
