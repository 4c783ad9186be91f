#include "mudra/core/error.h"

#include "mudra/core/text.h"

namespace mudra {
namespace {

std::string join(std::string_view what, std::string_view where, std::string_view remedy) {
  std::string text;
  if (!where.empty()) text.append(where).append(": ");
  text.append(what);
  if (!text.empty() && text.back() != '.' && text.back() != '?') text += '.';
  if (!remedy.empty()) {
    text.append(" ").append(remedy);
    if (text.back() != '.' && text.back() != '?') text += '.';
  }
  return clean(text);  // names in it are of files and people
}

}  // namespace

Error::Error(std::string_view what, std::string_view where, std::string_view remedy, ErrorKind kind)
    : std::runtime_error(join(what, where, remedy)),
      kind_(kind),
      parts_(std::make_shared<const Parts>(Parts{clean(what), clean(where), clean(remedy)})) {}

}  // namespace mudra
