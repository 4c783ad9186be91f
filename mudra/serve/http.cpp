#include "mudra/serve/http.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace mudra {

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
