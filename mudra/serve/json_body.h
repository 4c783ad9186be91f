// JSON in requests and responses.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/serve/http.h"

namespace mudra {

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view json_only[] = {json_type};  // of a route: Route::types

Response json_response(const nlohmann::json& document);

// The object that a request's body is; it may be empty: {}. What is in it may be texts, numbers, and lists of
// those. Throws HttpError 400 for anything else, and 413 for more than 4 MiB.
nlohmann::json object_in(const Request& request);
// What an object has by a name. Throw HttpError 400 when it is not there or of another kind.
std::string text_in(const nlohmann::json& object, const std::string& name);
std::vector<std::string> texts_in(const nlohmann::json& object, const std::string& name);

}  // namespace mudra
