// What is answered to whoever asks over HTTP, apart from how requests travel.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/box/box.h"
#include "mudra/box/model_facts.h"
#include "mudra/inference/predictor.h"
#include "mudra/serve/http.h"
#include "mudra/serve/images_document.h"

namespace mudra {

// Pictures that may come in one request.
inline constexpr size_t most_pictures = 256;

// Thread-safe: any number of threads may ask at once.
class Service {
 public:
  // What can be asked. A route of a path that ends in "/{name}" is for every name.
  struct Route {
    std::string_view method, path, summary;
    Response (Service::*answer)(const Request& request, const std::string& name) const;
    // Of bodies that it takes. Without any it takes no body, and must take no time.
    std::span<const std::string_view> types{};
  };
  static std::span<const Route> routes();

  Service(FoundModel found, std::string version);

  const std::string& model_name() const { return model_name_; }

  // The route for a request, whose body need not have come yet: HEAD is as GET is. Throws HttpError: 404, 405
  // and for a body of another type 415.
  static const Route& route_of(const Request& head);
  // Never throws but for want of memory: what goes wrong is a response of its own.
  Response answer(const Request& request) const;

 private:
  Response health(const Request&, const std::string&) const;
  Response models(const Request&, const std::string&) const;
  Response model(const Request&, const std::string& name) const;
  Response predict(const Request& request, const std::string&) const;
  Response openapi(const Request&, const std::string&) const;
  Response page(const Request&, const std::string&) const;
  Response style(const Request&, const std::string&) const;

  Answer answer_to_values(const std::string& values) const;
  Answer answer_to_file(const SentPicture& picture) const;
  const ModelFacts* facts_named(const std::string& name) const;

  std::string model_name_, version_;
  Predictor predictor_;
  std::vector<ModelFacts> facts_;  // of the model that answers, and of those in the box
};

}  // namespace mudra
