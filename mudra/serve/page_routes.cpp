// The routes that a browser shows, and the description of all.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mudra/core/text.h"
#include "mudra/serve/assets.h"
#include "mudra/serve/html.h"
#include "mudra/serve/route.h"
#include "mudra/serve/service.h"

namespace mudra {
namespace {

Response openapi(const Service& service, const Request&) {
  nlohmann::ordered_json document = nlohmann::ordered_json::parse(openapi_json);
  document["info"]["version"] = service.version();
  return {.body = document.dump(2) + "\n"};
}

Response page(const Service& service, const Request& request) {
  std::string rows;
  for (const Route& route : routes())
    rows += fmt::format("<tr><td><code>{} {}</code></td><td>{}</td></tr>\n", route.method,
                        html_of(route.path), html_of(route.summary));
  const ModelFacts facts = service.facts().front();
  return {.content_type = "text/html; charset=utf-8",
          .body = filled_page(page_html, {{"model", html_of(facts.name)},
                                          {"version", html_of(service.version())},
                                          {"reads", html_of(facts.reads)},
                                          {"classes", html_of(listed(facts.classes))},
                                          {"host", html_of(request.host)},
                                          {"routes", rows}})};
}

template <const std::string_view& text>
Response html_file(const Service&, const Request&) {
  return {.content_type = "text/html; charset=utf-8", .body = std::string(text)};
}

template <const std::string_view& text>
Response css_file(const Service&, const Request&) {
  return {.content_type = "text/css; charset=utf-8", .body = std::string(text)};
}

template <const std::string_view& text>
Response script_file(const Service&, const Request&) {
  return {.content_type = "text/javascript; charset=utf-8", .body = std::string(text)};
}

template <const std::string_view& text>
Response text_file(const Service&, const Request&) {
  return {.content_type = "text/plain; charset=utf-8", .body = std::string(text)};
}

Response events(const Service&, const Request&) {
  // A browser that lost the stream asks again after a second.
  return {.content_type = "text/event-stream", .body = "retry: 1000\n\n", .is_of_events = true};
}

}  // namespace

std::span<const Route> page_routes() {
  static constexpr Route all[] = {
      {"GET", "/api/events", "what happens, as it happens (text/event-stream)", events},
      {"GET", "/api/openapi.json", "these routes, for programs (OpenAPI 3)", openapi},
      {"GET", "/api", "this page", page},
      {"GET", "/style.css", "its looks", css_file<style_css>},
      {"GET", "/", "the studio", html_file<index_html>},
      {"GET", "/studio.js", "its script", script_file<studio_js>},
      {"GET", "/studio.css", "its looks", css_file<studio_css>},
      {"GET", "/licences.txt", "the licences of what is in it", text_file<licences_txt>},
  };
  return all;
}

}  // namespace mudra
