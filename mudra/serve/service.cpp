#include "mudra/serve/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>

#include "mudra/core/did_you_mean.h"
#include "mudra/core/text.h"
#include "mudra/data/image_file.h"
#include "mudra/inference/answer_json.h"
#include "mudra/inference/model_picture.h"
#include "mudra/serve/assets.h"
#include "mudra/serve/page.h"

namespace mudra {
namespace {

constexpr std::string_view json_type = "application/json", raw_type = "application/octet-stream";
constexpr std::array<std::string_view, 5> picture_types = {"image/png", "image/jpeg", "image/webp", raw_type,
                                                           json_type};

Response json_response(const nlohmann::json& document) {
  return {.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// The last word of a path: a server tells nobody where its files are.
std::string public_name(const FoundModel& found) {
  if (found.path.empty()) return found.name;
  const std::filesystem::path path = std::filesystem::absolute(found.path).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

// The model that answers is the first; it may be in the box itself.
std::vector<ModelFacts> facts_with_box(const Model& model, const std::string& name, bool is_boxed) {
  std::vector<ModelFacts> facts;
  if (!is_boxed) facts.push_back(facts_of(model, name));
  for (ModelFacts& boxed : facts_of_box()) facts.push_back(std::move(boxed));
  return facts;
}

// What stands for {name} in a route's path; nothing when the path is another.
std::optional<std::string> name_in(std::string_view path, std::string_view route) {
  constexpr std::string_view any = "{name}";
  if (!route.ends_with(any)) return path == route ? std::optional<std::string>("") : std::nullopt;
  route.remove_suffix(any.size());
  if (!path.starts_with(route) || path.size() == route.size()) return std::nullopt;
  path.remove_prefix(route.size());
  return percent_decoded(path);
}

[[noreturn]] void refuse_path(std::string_view path) {
  std::vector<std::string> known;
  for (const Service::Route& route : Service::routes()) known.emplace_back(route.path);
  throw HttpError(404, "there is nothing here", path, did_you_mean(path, known));
}

[[noreturn]] void refuse_type(const Service::Route& route, const std::string& type) {
  throw HttpError(
      415, type.empty() ? "says no type" : "'" + type + "' is not taken here", "Content-Type",
      fmt::format("Send a picture as it is, or JSON, and say which: {}", fmt::join(route.types, ", ")));
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

}  // namespace

std::span<const Service::Route> Service::routes() {
  static constexpr Route all[] = {
      {"GET", "/api/health", "whether the server answers, its version and its model", &Service::health},
      {"GET", "/api/models", "what is known of the models: of the one that answers, and of those in the box",
       &Service::models},
      {"GET", "/api/models/{name}", "the same of one model", &Service::model},
      {"POST", "/api/predict", "what a picture shows, or many", &Service::predict, picture_types},
      {"GET", "/api/openapi.json", "these routes, for programs (OpenAPI 3)", &Service::openapi},
      {"GET", "/", "this page", &Service::page},
      {"GET", "/style.css", "its looks", &Service::style},
  };
  return all;
}

Service::Service(FoundModel found, std::string version)
    : model_name_(public_name(found)),
      version_(std::move(version)),
      predictor_(std::move(found.model)),
      facts_(facts_with_box(predictor_.model(), model_name_, found.path.empty())) {}

const Service::Route& Service::route_of(const Request& head) {
  const std::string_view path = path_of(head.target);
  const std::string method = head.method == "HEAD" ? "GET" : head.method;
  std::string allowed;
  for (const Route& route : routes()) {
    if (!name_in(path, route.path)) continue;
    if (method != route.method) {
      allowed = route.method == "GET" ? "GET, HEAD" : route.method;
      continue;
    }
    const std::string type = media_type(head.content_type);
    if (!route.types.empty() && std::ranges::find(route.types, type) == route.types.end())
      refuse_type(route, type);
    return route;
  }
  if (allowed.empty()) refuse_path(path);
  throw HttpError(405, "'" + head.method + "' is not for this", path, "Use " + allowed, {{"Allow", allowed}});
}

Response Service::answer(const Request& request) const {
  try {
    const Route& route = route_of(request);
    return (this->*route.answer)(request, *name_in(path_of(request.target), route.path));
  } catch (const HttpError& error) {
    return error_response(error);
  } catch (const Error& error) {  // what was sent arrived whole, and cannot be used
    return error_response(422, error);
  } catch (const std::bad_alloc&) {
    return error_response(
        503, Error("there is not enough memory", "server", "Send smaller pictures, or ask again later"));
  } catch (const std::exception& error) {
    return error_response(500, Error(error.what(), "server", "This is a fault of Mudra; please report it"));
  }
}

Response Service::health(const Request&, const std::string&) const {
  return json_response({{"ok", true}, {"version", version_}, {"model", model_name_}});
}

Response Service::models(const Request&, const std::string&) const {
  nlohmann::json list = nlohmann::json::array();
  for (const ModelFacts& facts : facts_) list.push_back(to_json(facts));
  return json_response(list);
}

const ModelFacts* Service::facts_named(const std::string& name) const {
  const auto found = std::ranges::find(facts_, name, &ModelFacts::name);
  return found == facts_.end() ? nullptr : &*found;
}

// Only what is known is looked up: no request makes the server open a file.
Response Service::model(const Request&, const std::string& name) const {
  if (const ModelFacts* facts = facts_named(name)) return json_response(to_json(*facts));
  std::vector<std::string> known;
  for (const ModelFacts& facts : facts_) known.push_back(facts.name);
  throw HttpError(404, "no model is called '" + name + "'", "/api/models", did_you_mean(name, known));
}

Response Service::predict(const Request& request, const std::string&) const {
  const Model& model = predictor_.model();
  const std::string type = media_type(request.content_type);
  if (type == raw_type) return json_response(answer_json(answer_to_values(request.body), model, 0));
  if (type != json_type) {
    const SentPicture picture{"body", request.body};
    check_pixels({&picture, 1});
    return json_response(answer_json(answer_to_file(picture), model, 0));
  }
  const std::vector<SentPicture> pictures = read_images_document(request.body, most_pictures);
  check_pixels(pictures);
  nlohmann::json answers = nlohmann::json::array();
  for (const SentPicture& picture : pictures)
    answers.push_back(answer_json(answer_to_file(picture), model, answers.size()));
  return json_response(answers);
}

Answer Service::answer_to_file(const SentPicture& picture) const {
  return predictor_.answer(decode_picture_for(predictor_.model(), bytes_of(picture.bytes), picture.where));
}

Answer Service::answer_to_values(const std::string& values) const {
  const Preprocessing& input = predictor_.model().preprocessing;
  const int64_t wanted = int64_t{input.height} * input.width * input.channels;
  if (static_cast<int64_t>(values.size()) != wanted)
    throw HttpError(422,
                    fmt::format("has {} bytes; the model's image of {}x{} in {} has {}", values.size(),
                                input.height, input.width, input.channels == 1 ? "grey" : "colour", wanted),
                    "body",
                    "Send a byte for each value, row by row, or a PNG, JPEG or WebP file as what it is");
  return predictor_.answer(Image{input.height, input.width, input.channels, {values.begin(), values.end()}});
}

Response Service::openapi(const Request&, const std::string&) const {
  nlohmann::ordered_json document = nlohmann::ordered_json::parse(openapi_json);
  document["info"]["version"] = version_;
  return {.body = document.dump(2) + "\n"};
}

Response Service::page(const Request& request, const std::string&) const {
  std::string rows;
  for (const Route& route : routes())
    rows += fmt::format("<tr><td><code>{} {}</code></td><td>{}</td></tr>\n", route.method,
                        html_of(route.path), html_of(route.summary));
  const ModelFacts& facts = *facts_named(model_name_);
  return {.content_type = "text/html; charset=utf-8",
          .body = filled_page(page_html, {{"model", html_of(facts.name)},
                                          {"version", html_of(version_)},
                                          {"reads", html_of(facts.reads)},
                                          {"classes", html_of(listed(facts.classes))},
                                          {"host", html_of(request.host)},
                                          {"routes", rows}})};
}

Response Service::style(const Request&, const std::string&) const {
  return {.content_type = "text/css; charset=utf-8", .body = std::string(style_css)};
}

}  // namespace mudra
