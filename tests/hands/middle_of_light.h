// Where the light of a picture is.
#pragma once

#include "mudra/data/image.h"
#include "mudra/data/point.h"

namespace mudra {

// The centroid of the brightness of a picture of one channel; a pixel's light is in its centre.
inline Point middle_of_light(const Image& image) {
  double sum = 0, x_sum = 0, y_sum = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const double light = image.bytes[static_cast<size_t>(y) * image.width + x];
      sum += light;
      x_sum += light * (x + 0.5);
      y_sum += light * (y + 0.5);
    }
  }
  return {static_cast<float>(x_sum / sum), static_cast<float>(y_sum / sum)};
}

}  // namespace mudra
