#include "mudra/serve/http.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace mudra {
namespace {

// As forms write it: a space may be a plus.
std::optional<std::string> query_text(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decoded(spaced);
}

}  // namespace

const std::string& Request::parameter(const std::string& key) const {
  const auto found = query.find(key);
  if (found == query.end())
    throw HttpError(400, "has no '" + key + "'", "query",
                    "Ask for " + std::string(path_of(target)) + "?" + key + "=...");
  return found->second;
}

std::optional<std::string> Request::parameter_if_any(const std::string& key) const {
  const auto found = query.find(key);
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

Response error_response(int status, const Error& error) {
  const auto& [what, where, remedy] = error.parts();
  const nlohmann::ordered_json document = {{"what", what}, {"where", where}, {"remedy", remedy}};
  return {.status = status, .body = document.dump() + "\n"};
}

Response error_response(const HttpError& error) {
  Response response = error_response(error.status(), error);
  response.headers = error.headers();
  return response;
}

std::string_view path_of(std::string_view target) {
  if (!target.starts_with('/')) return {};
  return target.substr(0, target.find_first_of("?#"));
}

std::map<std::string, std::string> query_of(std::string_view target) {
  std::map<std::string, std::string> query;
  target = target.substr(0, target.find('#'));
  const size_t start = target.find('?');
  std::string_view left = start == target.npos ? std::string_view() : target.substr(start + 1);
  while (!left.empty()) {
    const std::string_view pair = left.substr(0, left.find('&'));
    left.remove_prefix(std::min(left.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = query_text(pair.substr(0, equals)),
               value = query_text(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value || name->empty())
      throw HttpError(400, "'" + std::string(pair) + "' is no parameter", "query",
                      "Write ?name=value&name=value, with %26 for & and %25 for %");
    if (!query.emplace(*name, *value).second)
      throw HttpError(400, "has '" + *name + "' twice", "query", "Give it once");
  }
  return query;
}

std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return type;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    unsigned value = 0;
    const char *first = text.data() + i + 1, *last = first + 2;
    if (const auto [end, error] = std::from_chars(first, last, value, 16);
        error != std::errc() || end != last)
      return std::nullopt;
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

}  // namespace mudra
