// What an Error says.
#pragma once

#include <functional>
#include <string>

#include "mudra/core/error.h"

namespace mudra {

inline std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace mudra
