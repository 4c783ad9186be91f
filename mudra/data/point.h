// A place in a picture.
#pragma once

namespace mudra {

// From the upper left corner, x to the right and y down; in pixels if nothing else is said.
struct Point {
  float x = 0, y = 0;
};

}  // namespace mudra
