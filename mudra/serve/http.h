// A request and its response, apart from how they travel.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mudra/core/error.h"

namespace mudra {

struct Request {
  std::string method{};  // in capitals
  std::string target{};  // path and query, as they were sent
  std::string host{};    // empty: none, or several
  std::optional<std::string> origin{};
  std::string authorization{}, content_type{};
  std::string body{};
  // What a route is given beside these, decoded: filled in by Service::answer().
  std::string name{};                          // what stands for {name} in its path
  std::map<std::string, std::string> query{};  // the parameters behind '?'

  // A parameter that a route cannot do without. Throws HttpError: 400.
  const std::string& parameter(const std::string& key) const;
  std::optional<std::string> parameter_if_any(const std::string& key) const;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Response {
  int status = 200;
  std::string content_type = "application/json", body{};
  Headers headers{};          // take the place of those that every response has
  bool is_of_events = false;  // those of the Service follow `body` for as long as the client listens
};

// A request that gets no other answer than this.
class HttpError : public Error {
 public:
  HttpError(int status, std::string_view what, std::string_view where = {}, std::string_view remedy = {},
            Headers headers = {})
      : Error(what, where, remedy), status_(status), headers_(std::move(headers)) {}
  int status() const { return status_; }
  const Headers& headers() const { return headers_; }

 private:
  int status_;
  Headers headers_;
};

// {what, where, remedy}
Response error_response(int status, const Error& error);
Response error_response(const HttpError& error);

// The path of a target, without its query; empty when it does not begin with '/'.
std::string_view path_of(std::string_view target);
// The parameters in a target, decoded: of "/?sign=A%2FB&all" they are sign, "A/B", and all, "". Throws
// HttpError 400 for one that cannot be decoded, has no name, or is there twice.
std::map<std::string, std::string> query_of(std::string_view target);
// The type of a Content-Type, in small letters, without parameters.
std::string media_type(std::string_view content_type);
// "%41" becomes "A"; nothing when a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace mudra
