// Sums over squares of pixels, however large, at the price of one.
#pragma once

#include <algorithm>
#include <vector>

namespace mudra::synth {

// Of side x side `values`.
template <class Sum, class Values>
class SquareSums {
 public:
  SquareSums(int side, const Values& values)
      : side_(side), sums_(static_cast<size_t>(side + 1) * (side + 1)) {
    for (int y = 0; y < side; ++y) {
      Sum row = 0;
      for (int x = 0; x < side; ++x) {
        row += values[static_cast<size_t>(y) * side + x];
        sums_[at(x + 1, y + 1)] = sums_[at(x + 1, y)] + row;
      }
    }
  }

  // Over a square of half-width `reach` around (x, y), as far as it lies in the picture: `count` pixels.
  Sum around(int x, int y, int reach, int& count) const {
    const int x0 = inside(x - reach), x1 = inside(x + reach + 1);
    const int y0 = inside(y - reach), y1 = inside(y + reach + 1);
    count = (y1 - y0) * (x1 - x0);
    return sums_[at(x1, y1)] - sums_[at(x1, y0)] - sums_[at(x0, y1)] + sums_[at(x0, y0)];
  }

 private:
  int inside(int place) const { return std::clamp(place, 0, side_); }
  size_t at(int x, int y) const { return static_cast<size_t>(y) * (side_ + 1) + x; }

  int side_;
  std::vector<Sum> sums_;  // of all pixels above and left
};

}  // namespace mudra::synth
