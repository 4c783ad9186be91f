#include "mudra/core/shape.h"

#include <fmt/format.h>

namespace mudra {

std::string Shape::text() const {
  return fmt::format("[{}]", fmt::join(sizes_.begin(), sizes_.begin() + rank_, ", "));
}

}  // namespace mudra
