#include "mudra/serve/access.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <system_error>

#include "mudra/core/base64.h"
#include "mudra/core/error.h"

namespace mudra {
namespace {

char in_small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_in_small(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, in_small, in_small);
}

// Of "name", "name:80", "[::1]" or "[::1]:80".
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == host.npos ? std::string() : std::string(host.substr(1, end - 1));
  }
  return std::string(host.substr(0, host.find(':')));
}

bool is_ours(const Access& access, const std::string& name) {
  std::array<uint8_t, 16> address{};
  const bool is_4 = inet_pton(AF_INET, name.c_str(), address.data()) == 1;
  if (is_4 && access.is_loopback) return address[0] == 127;
  const bool is_6 = !is_4 && inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
  if (is_6 && access.is_loopback)
    return address.back() == 1 &&
           std::all_of(address.begin(), address.end() - 1, [](uint8_t b) { return b == 0; });
  return is_4 || is_6 || equal_in_small(name, "localhost") ||
         std::ranges::any_of(access.names,
                             [&](const std::string& ours) { return equal_in_small(name, ours); });
}

// The token in an Authorization header; empty when there is none.
std::string given_token(std::string_view authorization) {
  const size_t space = authorization.find(' ');
  if (space == authorization.npos) return {};
  const std::string_view scheme = authorization.substr(0, space), value = authorization.substr(space + 1);
  if (equal_in_small(scheme, "bearer")) return std::string(value);
  if (!equal_in_small(scheme, "basic")) return {};
  const std::string user_and_password = from_base64(value).value_or("");
  const size_t colon = user_and_password.find(':');
  return colon == std::string::npos ? std::string() : user_and_password.substr(colon + 1);
}

}  // namespace

bool same_secret(std::string_view a, std::string_view b) {
  volatile uint8_t difference = a.size() == b.size() ? 0 : 1;  // volatile: no loop that ends early
  for (size_t i = 0; i < a.size(); ++i)
    difference = difference | static_cast<uint8_t>(a[i] ^ (b.empty() ? 0 : b[i % b.size()]));
  return difference == 0;
}

void check_access(const Access& access, const Request& request) {
  if (request.host.empty())
    throw HttpError(400, "names no host, or several", "Host", "Send one Host header, as HTTP/1.1 asks");
  if (!is_ours(access, host_name(request.host)))
    throw HttpError(403, "'" + request.host + "' is not this server", "Host",
                    access.is_loopback ? "Ask 127.0.0.1 or localhost"
                                       : "Ask by the address, or by the name given to --host");
  if (request.origin && !equal_in_small(*request.origin, "http://" + request.host) &&
      !equal_in_small(*request.origin, "https://" + request.host))
    throw HttpError(403, "pages of '" + *request.origin + "' may not ask this server", "Origin",
                    "Ask from a page of this server, or from a program");
  if (!access.token.empty() && !same_secret(given_token(request.authorization), access.token))
    throw HttpError(
        401, "the token is missing or wrong", "Authorization",
        "Send `Authorization: Bearer TOKEN` with the token of this server",
        {{"WWW-Authenticate", "Bearer realm=\"mudra\""}, {"WWW-Authenticate", "Basic realm=\"mudra\""}});
}

std::string new_token() {
  std::array<uint8_t, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "random bytes for a token");
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

std::string read_token(const std::string& path) {
  constexpr size_t least = 16, most = 1024;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("cannot be read", path, "Name a file that holds the token");
  std::string token(most + 1, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(file.gcount()));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  const bool is_word = std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (token.size() < least || token.size() > most || !is_word)
    throw Error(fmt::format("holds no token, which is one word of {} to {} letters and digits", least, most),
                path, "Make one: head -c 16 /dev/urandom | base64 > " + path);
  return token;
}

}  // namespace mudra
