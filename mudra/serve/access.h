// Who may ask. A browser sends requests to this machine for any page it shows, so an address that only this
// machine can reach keeps nobody out who has a web page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mudra/serve/http.h"

namespace mudra {

struct Access {
  bool is_loopback = true;           // only this machine can reach the address
  std::vector<std::string> names{};  // of this server, beside localhost and addresses
  std::string token{};               // empty: none is asked for
};

// Throws HttpError:
//   400 without a Host
//   403 for a Host that is not ours: the page of a name that was made to point here (DNS rebinding). Ours are
//       localhost, `names`, and addresses (of this machine alone if is_loopback), with any port, which a
//       tunnel or a container changes. An address in Host cannot have been made to point elsewhere.
//   403 for an Origin that is not the Host: a page from elsewhere (CSRF)
//   401 without the token, which comes as `Authorization: Bearer TOKEN` or as the password of Basic, which
//       browsers ask a person for
void check_access(const Access& access, const Request& request);

// Takes a time that does not depend on where the two differ.
bool same_secret(std::string_view a, std::string_view b);

std::string new_token();  // 128 random bits, in hexadecimal digits
// The token in a file: its one word. Throws Error for fewer than 16 characters.
std::string read_token(const std::string& path);

}  // namespace mudra
