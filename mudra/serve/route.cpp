#include "mudra/serve/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "mudra/core/did_you_mean.h"

namespace mudra {
namespace {

// Nothing when the path is not the route's.
std::optional<std::string> name_if_matched(std::string_view path, std::string_view route) {
  constexpr std::string_view any = "{name}";
  if (!route.ends_with(any)) return path == route ? std::optional<std::string>("") : std::nullopt;
  route.remove_suffix(any.size());
  if (!path.starts_with(route) || path.size() == route.size()) return std::nullopt;
  path.remove_prefix(route.size());
  return percent_decoded(path);
}

[[noreturn]] void refuse_path(std::string_view path) {
  std::vector<std::string> known;
  for (const Route& route : routes()) known.emplace_back(route.path);
  throw HttpError(404, "there is nothing here", path, did_you_mean(path, known));
}

void check_type(const Route& route, const std::string& type) {
  if (route.types.empty() || std::ranges::find(route.types, type) != route.types.end()) return;
  throw HttpError(415, type.empty() ? "says no type" : "'" + type + "' is not taken here", "Content-Type",
                  fmt::format("Send one of these, and say which: {}", fmt::join(route.types, ", ")));
}

}  // namespace

std::span<const Route> routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> joined;
    for (const std::span<const Route> part :
         {model_routes(), studio_routes(), learn_routes(), run_routes(), page_routes()})
      joined.insert(joined.end(), part.begin(), part.end());
    return joined;
  }();
  return all;
}

std::string name_in(std::string_view path, const Route& route) {
  return name_if_matched(path, route.path).value_or("");
}

const Route& route_of(const Request& head) {
  const std::string_view path = path_of(head.target);
  const std::string method = head.method == "HEAD" ? "GET" : head.method;
  std::vector<std::string_view> allowed;
  for (const Route& route : routes()) {
    if (!name_if_matched(path, route.path)) continue;
    if (method == route.method) {
      check_type(route, media_type(head.content_type));
      query_of(head.target);
      return route;
    }
    allowed.push_back(route.method == "GET" ? "GET, HEAD" : route.method);
  }
  if (allowed.empty()) refuse_path(path);
  const std::string others = fmt::format("{}", fmt::join(allowed, ", "));
  throw HttpError(405, "'" + head.method + "' is not for this", path, "Use " + others, {{"Allow", others}});
}

}  // namespace mudra
