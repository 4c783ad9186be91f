// The one exception type: what went wrong, where, and what to do about it. It may be thrown on one thread and
// read on another.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mudra {

// Wrong usage ends the command with exit status 2; every other failure with 1.
enum class ErrorKind { failure, usage };

// what() reads "where: what. remedy", as clean() shows it: one line; where and remedy may be empty.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string_view what, std::string_view where = {}, std::string_view remedy = {},
                 ErrorKind kind = ErrorKind::failure);

  ErrorKind kind() const noexcept { return kind_; }

  // What the text was joined from, each as clean() shows it.
  struct Parts {
    std::string what, where, remedy;
  };
  const Parts& parts() const noexcept { return *parts_; }

 private:
  ErrorKind kind_;
  std::shared_ptr<const Parts> parts_;  // shared: copying an exception must not throw
};

// An option or argument that cannot be accepted.
inline Error usage_error(std::string_view what, std::string_view where = {}, std::string_view remedy = {}) {
  return Error(what, where, remedy, ErrorKind::usage);
}

}  // namespace mudra
