#include "mudra/serve/service.h"

#include <exception>
#include <filesystem>
#include <new>
#include <utility>

#include "mudra/serve/route.h"

namespace mudra {
namespace {

// The last word of a path: a server tells nobody where its files are.
std::string public_name(const FoundModel& found) {
  if (found.path.empty()) return found.name;
  const std::filesystem::path path = std::filesystem::absolute(found.path).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

// The model that answers may be in the box itself.
std::vector<ModelFacts> facts_with_box(const Model& model, const std::string& name, bool is_boxed) {
  std::vector<ModelFacts> facts;
  if (!is_boxed) facts.push_back(facts_of(model, name));
  for (ModelFacts& boxed : facts_of_box()) facts.push_back(std::move(boxed));
  return facts;
}

}  // namespace

Service::Service(FoundModel found, std::string version, std::filesystem::path runs)
    : model_name_(public_name(found)),
      version_(std::move(version)),
      runs_(std::move(runs)),
      predictor_(std::move(found.model)),
      facts_(facts_with_box(predictor_.model(), model_name_, found.path.empty())) {}

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
