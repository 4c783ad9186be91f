#include "mudra/serve/json_body.h"

#include <algorithm>

namespace mudra {
namespace {

using nlohmann::json;

constexpr size_t most_bytes = 4 << 20;
constexpr int most_depth = 1;  // of what an object holds: lists, with nothing below them

[[noreturn]] void refuse_field(const std::string& what, const std::string& name, const std::string& kind) {
  throw HttpError(400, what, "body", "Send {\"" + name + "\": " + kind + "}");
}

}  // namespace

Response json_response(const json& document) {
  return {.body = document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"};
}

json object_in(const Request& request) {
  if (request.body.size() > most_bytes)
    throw HttpError(413, "is too long", "body", "Send at most 4 MiB of JSON, such as fewer files at once");
  const auto is_flat = [](int depth, json::parse_event_t event, json&) {
    const bool begins =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (begins && depth > most_depth)
      throw HttpError(400, "has lists in lists", "body", "Send {\"name\": value}");
    return true;
  };
  json document;
  try {
    document = json::parse(request.body, is_flat);
  } catch (const json::parse_error& error) {
    throw HttpError(400, "is not JSON from byte " + std::to_string(error.byte) + " on", "body",
                    "Send an object, such as {}");
  } catch (const json::exception&) {
    throw HttpError(400, "has a number beyond all bounds", "body", "Send smaller numbers");
  }
  if (!document.is_object()) throw HttpError(400, "is no object", "body", "Send an object, such as {}");
  return document;
}

std::string text_in(const json& object, const std::string& name) {
  const auto found = object.find(name);
  if (found == object.end()) refuse_field("has no '" + name + "'", name, "\"...\"");
  if (!found->is_string()) refuse_field("has a '" + name + "' that is no text", name, "\"...\"");
  return found->get<std::string>();
}

std::vector<std::string> texts_in(const json& object, const std::string& name) {
  const auto found = object.find(name);
  if (found == object.end()) refuse_field("has no '" + name + "'", name, "[\"...\"]");
  const auto is_text = [](const json& each) { return each.is_string(); };
  if (!found->is_array() || !std::ranges::all_of(*found, is_text))
    refuse_field("has a '" + name + "' that is no list of texts", name, "[\"...\"]");
  return found->get<std::vector<std::string>>();
}

}  // namespace mudra
