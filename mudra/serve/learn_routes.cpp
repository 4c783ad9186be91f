// The routes of trainings that a page watches step by step.
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mudra/core/number.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/features/prepare.h"
#include "mudra/learn/live_options.h"
#include "mudra/serve/json_body.h"
#include "mudra/serve/route.h"
#include "mudra/serve/service.h"

namespace mudra {
namespace {

using nlohmann::json;

constexpr double longest_answer = 0.2;  // seconds of steps
constexpr size_t most_losses = 2000;

std::shared_ptr<LiveTraining> training_of(const Service& service, const Request& request) {
  return service.live_trainings().find(request.parameter("id"));
}

template <class T>
T number_in(const std::string& text, const std::string& name) {
  const auto number = parse_number<T>(text);
  if (!number) throw HttpError(400, "is no number that can be used", name, "Send such as " + name + "=0");
  return *number;
}

// A field of a body that is a number, or 0 where it is not there.
template <class T>
T number_of(const json& object, const std::string& name) {
  const auto found = object.find(name);
  if (found == object.end()) return 0;
  const bool fits = std::is_integral_v<T> ? found->is_number_integer() : found->is_number();
  if (!fits) throw HttpError(400, "is no number that can be used", name, "Send {\"" + name + "\": 1}");
  return found->get<T>();
}

Row row_of(const Request& request) { return number_in<Row>(request.parameter("row"), "row"); }

// Options may be texts, numbers and lists of texts, which stand in one text on a command line.
std::string option_text(const json& value, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  throw HttpError(400, "is neither a text nor a number", name, "Send {\"" + name + "\": \"...\"}");
}

// Numbers as they are in memory, little endian on every machine this runs on.
template <class T>
Response bytes_response(const std::vector<T>& values) {
  std::string body(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(body.data(), values.data(), body.size());
  return {.content_type = "application/octet-stream", .body = std::move(body)};
}

json state_json(const LiveState& state) {
  json losses = json::array(), history = json::array();
  const size_t kept = std::min(state.losses.size(), most_losses);
  for (size_t i = state.losses.size() - kept; i < state.losses.size(); ++i) {
    const int64_t step = state.step - std::ssize(state.losses) + 1 + static_cast<int64_t>(i);
    losses.push_back({step, state.losses[i]});
  }
  for (const Epoch& epoch : state.history) {
    history.push_back({{"epoch", epoch.number},
                       {"rate", epoch.rate},
                       {"loss_train", epoch.loss_train},
                       {"accuracy_train", epoch.accuracy_train},
                       {"loss_held_out", epoch.loss_held_out},
                       {"accuracy_held_out", epoch.accuracy_held_out}});
  }
  const auto text = [](const std::string& said) { return said.empty() ? json() : json(said); };
  return {{"epoch", state.epoch},      {"batch", state.batch},           {"step", state.step},
          {"loss", state.loss},        {"problem", text(state.problem)}, {"why", text(state.why)},
          {"edited", state.is_edited}, {"losses", std::move(losses)},    {"history", std::move(history)}};
}

json layers_json(const Network& network) {
  json layers = json::array();
  const std::vector<Shape> shapes = network.shapes();
  const std::vector<std::string> items = network.items();
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const AnyLayer& layer = network.layers[i];
    const bool gives = !std::holds_alternative<Fork>(layer) && !std::holds_alternative<Shortcut>(layer);
    std::vector<int64_t> shape = sizes(shapes[i + 1]);
    shape.erase(shape.begin());  // of one image
    layers.push_back({{"text", items[i]}, {"shape", gives ? json(shape) : json()}});
  }
  return layers;
}

json weights_json(const Network& network) {
  json weights = json::array();
  int64_t offset = 0;
  for (const auto& [name, parameter, trained] : network.parameters()) {
    const Shape shape = file_shape(parameter);
    weights.push_back({{"name", name},
                       {"shape", sizes(shape)},
                       {"layer", number_in<int>(name.substr(0, name.find('.')), name)},
                       {"offset", offset}});
    offset += shape.elements();
  }
  return weights;
}

json training_json(const LiveTraining& training, const std::string& id) {
  const Experiment& experiment = training.experiment();
  const Dataset& data = experiment.data;
  const Network& network = experiment.initial.network;
  std::vector<int64_t> image = sizes(data.pixels.shape());
  image.erase(image.begin());
  json groups;
  if (!data.groups.empty()) {
    groups = json::array();
    for (const int32_t group : data.groups) groups.push_back(data.group_names[static_cast<size_t>(group)]);
  }
  json options = json::object();
  for (const auto& [name, text] : option_texts(experiment.options))
    if (name != "data") options[name] = text;  // a server tells nobody where its files are
  return {{"id", id},
          {"command", command_of(experiment.options)},
          {"classes", data.classes},
          {"image", image},
          {"network", network.text()},
          {"parameters", network.parameter_count()},
          {"multiply_adds", network.multiply_adds()},
          {"layers", layers_json(network)},
          {"weights", weights_json(network)},
          {"labels", data.labels},
          {"train", training.fold().train},
          {"held_out", training.fold().test},
          {"groups", std::move(groups)},
          {"batches", training.batches()},
          {"options", std::move(options)},
          {"state", state_json(training.state())}};
}

Response begin(const Service& service, const Request& request) {
  const json object = object_in(request);
  std::map<std::string, std::string> given;
  for (const auto& [name, value] : object.items()) given[name] = option_text(value, name);
  std::shared_ptr<LiveTraining> training;
  const bool is_recorded = given["data"] == recorded_signs;
  try {
    training = std::make_shared<LiveTraining>(live_options(std::move(given), service.recordings()));
  } catch (const Error& error) {
    if (!is_recorded) throw;
    // A server tells nobody where its files are.
    throw HttpError(422, error.parts().what, recorded_signs, error.parts().remedy);
  }
  const std::string id = service.live_trainings().keep(training);
  return json_response(training_json(*training, id));
}

Response state_response(const LiveTraining& training, const json& object) {
  return json_response(state_json(
      training.state(number_of<int64_t>(object, "since_step"), number_of<int>(object, "since_epoch"))));
}

Response advance(const Service& service, const Request& request) {
  const json object = object_in(request);
  const auto training = service.live_trainings().find(text_in(object, "id"));
  training->advance(number_of<int64_t>(object, "batches"), longest_answer);
  training->advance_epochs(number_of<int64_t>(object, "epochs"), longest_answer);
  return state_response(*training, object);
}

Response rewind(const Service& service, const Request& request) {
  const json object = object_in(request);
  const auto training = service.live_trainings().find(text_in(object, "id"));
  training->rewind(number_of<int64_t>(object, "step"));
  return state_response(*training, object);
}

Response set_weight(const Service& service, const Request& request) {
  const json object = object_in(request);
  const auto training = service.live_trainings().find(text_in(object, "id"));
  training->set_weight(text_in(object, "name"), number_of<int64_t>(object, "index"),
                       number_of<float>(object, "value"));
  return state_response(*training, object);
}

// Every image's bytes, by row.
Response pictures(const Service& service, const Request& request) {
  const auto training = training_of(service, request);
  const Pixels& pixels = training->experiment().data.pixels;
  std::vector<uint8_t> all;
  for (int64_t i = 0; i < pixels.count(); ++i) {
    const Image image = image_of(pixels, i);
    all.insert(all.end(), image.bytes.begin(), image.bytes.end());
  }
  return bytes_response(all);
}

Response weights(const Service& service, const Request& request) {
  return bytes_response(training_of(service, request)->weights());
}

Response gradients(const Service& service, const Request& request) {
  const auto training = training_of(service, request);
  std::optional<Row> row;
  if (request.parameter_if_any("row")) row = row_of(request);
  return bytes_response(training->gradients(row));
}

Response values(const Service& service, const Request& request) {
  const auto layer = number_in<uint32_t>(request.parameter("layer"), "layer");
  return bytes_response(training_of(service, request)->values(row_of(request), layer));
}

Response next_batch(const Service& service, const Request& request) {
  return json_response({{"rows", training_of(service, request)->next_batch()}});
}

Response example(const Service& service, const Request& request) {
  const LiveExample example = training_of(service, request)->example(row_of(request));
  return json_response({{"row", row_of(request)},
                        {"label", example.label},
                        {"logits", example.logits},
                        {"probabilities", example.probabilities},
                        {"loss", example.loss}});
}

Response slope(const Service& service, const Request& request) {
  const auto training = training_of(service, request);
  const auto index = number_in<int64_t>(request.parameter("index"), "index");
  const LiveSlope slope = training->slope(row_of(request), request.parameter("name"), index);
  return json_response({{"value", slope.value},
                        {"derivative", slope.derivative},
                        {"loss", slope.loss},
                        {"h", slope.h},
                        {"loss_above", slope.loss_above},
                        {"loss_below", slope.loss_below},
                        {"difference", slope.difference},
                        {"error", slope.error}});
}

Response answers(const Service& service, const Request& request) {
  const auto training = training_of(service, request);
  const LiveAnswers answers = training->answers();
  const Dataset& data = training->experiment().data;
  json labels = json::array();
  for (const Row row : training->fold().test) labels.push_back(data.labels[row]);
  return json_response({{"rows", training->fold().test},
                        {"labels", std::move(labels)},
                        {"probabilities", answers.probabilities},
                        {"loss", answers.loss},
                        {"accuracy", answers.accuracy},
                        {"confusion", confusion_rows(answers.confusion, data.classes.size())}});
}

}  // namespace

std::span<const Route> learn_routes() {
  static constexpr Route all[] = {
      {"POST", "/api/learn", "begins a training that is watched", begin, json_only},
      {"POST", "/api/learn/advance", "takes steps of it", advance, json_only},
      {"POST", "/api/learn/rewind", "goes back to an earlier step", rewind, json_only},
      {"POST", "/api/learn/weight", "changes a weight by hand", set_weight, json_only},
      {"GET", "/api/learn/pictures", "the images it knows, as bytes", pictures, {}, true},
      {"GET", "/api/learn/weights", "all weights, as numbers of 32 bits", weights, {}, true},
      {"GET", "/api/learn/gradients", "how the loss grows with each of them", gradients, {}, true},
      {"GET", "/api/learn/values", "what a layer makes of an image", values, {}, true},
      {"GET", "/api/learn/batch", "the images of the next step", next_batch, {}, true},
      {"GET", "/api/learn/example", "what it says of an image", example, {}, true},
      {"GET", "/api/learn/slope", "a derivative, and the same from two losses", slope, {}, true},
      {"GET", "/api/learn/answers", "what it says of the images held out", answers, {}, true},
  };
  return all;
}

}  // namespace mudra
