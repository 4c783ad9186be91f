#include "mudra/hands/hand_view.h"

#include <algorithm>
#include <cmath>

namespace mudra {
namespace {

constexpr int wrist = 0, middle_knuckle = 9;

// Of a value that is not negative.
int rounded(float value) {
  constexpr float half = 0.5f;
  return static_cast<int>(value + half);
}

}  // namespace

HandView view_of(std::span<const Point, hand_joints> joints) {
  HandView view;
  const float dx = joints[middle_knuckle].x - joints[wrist].x,
              dy = joints[middle_knuckle].y - joints[wrist].y;
  const float length = std::sqrt(dx * dx + dy * dy);
  if (length > 1e-6f) view.up = {dx / length, dy / length};
  // Coordinates across the hand and along it, down.
  const Point up = view.up;
  float left = 1e9f, right = -1e9f, top = 1e9f, bottom = -1e9f;
  for (const Point joint : joints) {
    const float across = -up.y * joint.x + up.x * joint.y, down = -up.x * joint.x - up.y * joint.y;
    left = std::min(left, across);
    right = std::max(right, across);
    top = std::min(top, down);
    bottom = std::max(bottom, down);
  }
  const float across = 0.5f * (left + right), down = 0.5f * (top + bottom);
  view.middle = {-up.y * across - up.x * down, up.x * across - up.y * down};
  view.size = std::max(right - left, bottom - top);
  return view;
}

Point from_cut(Point at, const HandView& view, int side) {
  const float step = view.size / (joints_in_cut * static_cast<float>(side));
  const float across = (at.x - 0.5f * static_cast<float>(side)) * step,
              down = (at.y - 0.5f * static_cast<float>(side)) * step;
  return {view.middle.x - view.up.y * across - view.up.x * down,
          view.middle.y + view.up.x * across - view.up.y * down};
}

Point to_cut(Point at, const HandView& view, int side) {
  const float step = view.size / (joints_in_cut * static_cast<float>(side));
  const float dx = at.x - view.middle.x, dy = at.y - view.middle.y;
  const Point up = view.up;
  return {(-up.y * dx + up.x * dy) / step + 0.5f * static_cast<float>(side),
          (-up.x * dx - up.y * dy) / step + 0.5f * static_cast<float>(side)};
}

Image cut(const Image& picture, const HandView& view, int side) {
  Image out{side, side, picture.channels, {}};
  out.bytes.resize(static_cast<size_t>(side) * side * picture.channels);
  const float step = view.size / (joints_in_cut * static_cast<float>(side));
  // So many samples a pixel and way that none of the picture's pixels is passed over.
  const int samples = std::clamp(static_cast<int>(std::ceil(step)), 2, 16);
  const float part = 1 / static_cast<float>(samples);
  const int last_x = picture.width - 1, last_y = picture.height - 1;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      float sum[3] = {};
      for (int j = 0; j < samples; ++j) {
        for (int i = 0; i < samples; ++i) {
          const Point p = from_cut({static_cast<float>(x) + (static_cast<float>(i) + 0.5f) * part,
                                    static_cast<float>(y) + (static_cast<float>(j) + 0.5f) * part},
                                   view, side);
          const float px = std::clamp(p.x - 0.5f, 0.f, static_cast<float>(last_x)),
                      py = std::clamp(p.y - 0.5f, 0.f, static_cast<float>(last_y));
          const auto at = [&](int ix, int iy) {
            return picture.bytes.data() +
                   (static_cast<size_t>(std::min(iy, last_y)) * picture.width + std::min(ix, last_x)) *
                       picture.channels;
          };
          if (step > 2) {  // the samples are as close as the pixels
            const uint8_t* nearest = at(rounded(px), rounded(py));
            for (int c = 0; c < picture.channels; ++c) sum[c] += static_cast<float>(nearest[c]);
            continue;
          }
          const int x0 = static_cast<int>(px), y0 = static_cast<int>(py);
          const float tx = px - static_cast<float>(x0), ty = py - static_cast<float>(y0);
          const uint8_t *a = at(x0, y0), *b = at(x0 + 1, y0), *c = at(x0, y0 + 1), *d = at(x0 + 1, y0 + 1);
          for (int k = 0; k < picture.channels; ++k) {
            const float upper = static_cast<float>(a[k]) + tx * static_cast<float>(b[k] - a[k]);
            const float lower = static_cast<float>(c[k]) + tx * static_cast<float>(d[k] - c[k]);
            sum[k] += upper + ty * (lower - upper);
          }
        }
      }
      for (int c = 0; c < picture.channels; ++c)
        out.bytes[(static_cast<size_t>(y) * side + x) * picture.channels + c] =
            static_cast<uint8_t>(rounded(sum[c] * part * part));
    }
  }
  return out;
}

}  // namespace mudra
