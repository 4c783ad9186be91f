// The routes that ask the model.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "mudra/core/did_you_mean.h"
#include "mudra/data/image_file.h"
#include "mudra/inference/answer_json.h"
#include "mudra/inference/model_picture.h"
#include "mudra/serve/images_document.h"
#include "mudra/serve/json_body.h"
#include "mudra/serve/route.h"
#include "mudra/serve/service.h"

namespace mudra {
namespace {

constexpr std::string_view raw_type = "application/octet-stream";
constexpr std::array<std::string_view, 5> picture_types = {"image/png", "image/jpeg", "image/webp", raw_type,
                                                           json_type};

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Decoding takes time and memory for every pixel, however few bytes a file has.
void check_pixels(std::span<const SentPicture> pictures) {
  int64_t left = most_pixels;
  for (const SentPicture& picture : pictures) {
    const ImageSize size = picture_header(bytes_of(picture.bytes), picture.where).size;
    left -= int64_t{size.height} * size.width;
    if (left < 0)
      throw HttpError(422,
                      fmt::format("would make more than {} million pixels in one request", most_pixels >> 20),
                      picture.where, "Make the pictures smaller, or send fewer at once");
  }
}

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

Answer answer_to_values(const Predictor& predictor, const std::string& values) {
  const Preprocessing& input = predictor.model().preprocessing;
  const int64_t wanted = int64_t{input.height} * input.width * input.channels;
  if (static_cast<int64_t>(values.size()) != wanted)
    throw HttpError(422,
                    fmt::format("has {} bytes; the model's image of {}x{} in {} has {}", values.size(),
                                input.height, input.width, input.channels == 1 ? "grey" : "colour", wanted),
                    "body",
                    "Send a byte for each value, row by row, or a PNG, JPEG or WebP file as what it is");
  return predictor.answer(Image{input.height, input.width, input.channels, {values.begin(), values.end()}});
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
  const Predictor& predictor = service.predictor();
  const Model& model = predictor.model();
  const std::string type = media_type(request.content_type);
  if (type == raw_type)
    return json_response(answer_json(answer_to_values(predictor, request.body), model, 0));
  if (type != json_type) {
    const SentPicture picture{"body", request.body};
    check_pixels({&picture, 1});
    return json_response(answer_json(answer_to_file(predictor, picture), model, 0));
  }
  const std::vector<SentPicture> pictures = read_images_document(request.body, most_pictures);
  check_pixels(pictures);
  nlohmann::json answers = nlohmann::json::array();
  for (const SentPicture& picture : pictures)
    answers.push_back(answer_json(answer_to_file(predictor, picture), model, answers.size()));
  return json_response(answers);
}

}  // namespace

std::span<const Route> model_routes() {
  static constexpr Route all[] = {
      {"GET", "/api/health", "whether the server answers, its version and its model", health},
      {"GET", "/api/models", "what is known of the models: of the one that answers, and of those in the box",
       models},
      {"GET", "/api/models/{name}", "the same of one model", model_named},
      {"POST", "/api/predict", "what a picture shows, or many", predict, picture_types},
  };
  return all;
}

}  // namespace mudra
