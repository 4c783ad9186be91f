#include "mudra/serve/service.h"

#include <exception>
#include <filesystem>
#include <new>
#include <utility>

#include "mudra/core/did_you_mean.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/serve/route.h"
#include "mudra/serve/studio_json.h"

namespace mudra {
namespace {

// The last word of a path: a server tells nobody where its files are.
std::string public_name(const FoundModel& found) {
  if (found.path.empty()) return found.name;
  const std::filesystem::path path = std::filesystem::absolute(found.path).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::vector<ModelFacts> facts_with_box(const Model& given, const std::string& name, bool is_boxed) {
  std::vector<ModelFacts> facts;
  if (!is_boxed) facts.push_back(facts_of(given, name));
  for (ModelFacts& boxed : facts_of_box()) facts.push_back(std::move(boxed));
  return facts;
}

}  // namespace

Service::Service(FoundModel found, std::string version, ServiceFolders folders)
    : model_name_(public_name(found)),
      version_(std::move(version)),
      runs_(std::move(folders.runs)),
      given_(std::make_shared<const Predictor>(std::move(found.model))),
      facts_(facts_with_box(given_->model(), model_name_, found.path.empty())) {
  if (!found.path.empty() || found.name != default_model)
    boxed_ = std::make_shared<const Predictor>(box_model());
  if (folders.recordings.empty()) return;
  // What is taught begins with the model given, if that finds hands.
  const bool begins_with_given = finds_hands(given_->model());
  studio_ = std::make_unique<Studio>(folders.recordings, begins_with_given ? given_->model() : box_model(),
                                     [this](const Studio& studio) {
                                       const std::lock_guard lock(publishing_);
                                       publish_state(studio, events_);
                                     });
}

std::filesystem::path Service::recordings() const {
  return studio_ ? studio_->folder() : std::filesystem::path();
}

Studio& Service::studio() const {
  if (!studio_)
    throw HttpError(404, "no signs are taught here", "server", "Start the server with --data FOLDER");
  return *studio_;
}

std::string Service::model_name() const { return studio_ && studio_->taught() ? taught_name : model_name_; }

std::shared_ptr<const Predictor> Service::predictor(const std::optional<std::string>& name) const {
  const auto taught = studio_ ? studio_->taught() : nullptr;
  if (taught && (!name || *name == taught_name)) return {taught, &taught->predictor};
  if (!name || *name == model_name_) return given_;
  if (boxed_ && *name == default_model) return boxed_;
  std::vector<std::string> known = {model_name_, std::string(default_model)};
  if (taught) known.emplace_back(taught_name);
  throw HttpError(404, "no model is called '" + *name + "'", "model", did_you_mean(*name, known));
}

std::vector<ModelFacts> Service::facts() const {
  std::vector<ModelFacts> facts;
  if (const auto taught = studio_ ? studio_->taught() : nullptr)
    facts.push_back(facts_of(taught->predictor.model(), taught_name));
  facts.insert(facts.end(), facts_.begin(), facts_.end());
  return facts;
}

Response Service::answer(Request request) const {
  try {
    const Route& route = route_of(request);
    request.name = name_in(path_of(request.target), route);
    request.query = query_of(request.target);
    return route.answer(*this, request);
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

}  // namespace mudra
