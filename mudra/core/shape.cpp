#include "mudra/core/shape.h"

namespace mudra {

std::string Shape::text() const {
  std::string out = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0) out += ", ";
    out += std::to_string(sizes_[axis]);
  }
  return out + "]";
}

}  // namespace mudra
