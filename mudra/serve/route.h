// What can be asked: one table, whose parts stand in the file that answers them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "mudra/serve/http.h"

namespace mudra {

class Service;

struct Route {
  // A path that ends in "/{name}" is for every name, which is Request::name.
  std::string_view method, path, summary;
  // Throws HttpError for what gets another status than 422, which is that of every other Error.
  Response (*answer)(const Service& service, const Request& request);
  // Of bodies that it takes; without any it takes none.
  std::span<const std::string_view> types{};
  // Whether answering takes more than a glance: that keeps one of the threads that answer busy, and not the
  // one that serves all connections. Whatever takes a body does.
  bool takes_time = false;
};

// All of them, in the order in which people read them.
std::span<const Route> routes();

// Its parts.
std::span<const Route> model_routes();
std::span<const Route> studio_routes();
std::span<const Route> learn_routes();
std::span<const Route> run_routes();
std::span<const Route> page_routes();

// The route for a request, whose body need not have come yet: HEAD is as GET is. Throws HttpError: 404, 405,
// for a body of another type 415, and 400 for parameters that cannot be read.
const Route& route_of(const Request& head);
// What stands for {name} in the route's path.
std::string name_in(std::string_view path, const Route& route);

}  // namespace mudra
