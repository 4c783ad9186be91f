// What a webcam or a phone makes of a room.
#include <algorithm>
#include <cmath>

#include "mudra/data/image.h"
#include "mudra/synth/camera.h"
#include "mudra/synth/draw.h"

namespace mudra::synth {
namespace {

// Of a value that is not negative.
int rounded(float value) {
  constexpr float half = 0.5f;
  return static_cast<int>(value + half);
}

// The light at a place between pixels, the nearest where the picture ends.
Vec3 between(const std::vector<Vec3>& light, int side, float x, float y) {
  const float most = static_cast<float>(side) - 1;
  x = clamp(x, 0, most);
  y = clamp(y, 0, most);
  const int x0 = std::min(static_cast<int>(x), side - 2), y0 = std::min(static_cast<int>(y), side - 2);
  const float tx = x - static_cast<float>(x0), ty = y - static_cast<float>(y0);
  const Vec3* row = &light[static_cast<size_t>(y0) * side + x0];
  return mix(mix(row[0], row[1], tx), mix(row[side], row[side + 1], tx), ty);
}

// The mean over the way that everything moved while the shutter was open.
void move(float dx, float dy, int side, std::vector<Vec3>& light) {
  dx *= static_cast<float>(side);
  dy *= static_cast<float>(side);
  const int steps = static_cast<int>(std::max(std::fabs(dx), std::fabs(dy)));
  if (steps < 1) return;
  const std::vector<Vec3> still(light);
  const float share = 1 / static_cast<float>(2 * steps + 1);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      Vec3 sum;
      for (int i = -steps; i <= steps; ++i) {
        const float t = static_cast<float>(i) / static_cast<float>(steps);
        const int px = std::clamp(x + static_cast<int>(std::floor(dx * t + 0.5f)), 0, side - 1);
        const int py = std::clamp(y + static_cast<int>(std::floor(dy * t + 0.5f)), 0, side - 1);
        sum = sum + still[static_cast<size_t>(py) * side + px];
      }
      light[static_cast<size_t>(y) * side + x] = sum * share;
    }
  }
}

// The mean over 2 reach + 1 pixels each way, by running sums; twice is close to a lens out of focus.
void box_blur(int reach, int side, std::vector<Vec3>& light, std::vector<Vec3>& row) {
  row.resize(static_cast<size_t>(side));
  const float share = 1 / static_cast<float>(2 * reach + 1);
  const auto pass = [&](size_t first, size_t step) {
    const auto at = [&](int i) {
      return light[first + step * static_cast<size_t>(std::clamp(i, 0, side - 1))];
    };
    Vec3 sum;
    for (int i = -reach; i < reach; ++i) sum = sum + at(i);
    for (int i = 0; i < side; ++i) {
      sum = sum + at(i + reach);
      row[static_cast<size_t>(i)] = sum * share;
      sum = sum - at(i - reach);
    }
    for (int i = 0; i < side; ++i) light[first + step * static_cast<size_t>(i)] = row[static_cast<size_t>(i)];
  };
  for (int i = 0; i < side; ++i) pass(static_cast<size_t>(i) * side, 1);
  for (int i = 0; i < side; ++i) pass(static_cast<size_t>(i), static_cast<size_t>(side));
}

// side x side pixels become small x small: the mean of what each covers.
std::vector<Vec3> reduced(const std::vector<Vec3>& light, int side, int small) {
  std::vector<Vec3> result(static_cast<size_t>(small) * small);
  const float step = static_cast<float>(side) / static_cast<float>(small);
  for (int y = 0; y < small; ++y) {
    for (int x = 0; x < small; ++x) {
      Vec3 sum;
      for (int i = 0; i < 4; ++i) {
        const int column = i % 2, row = i / 2;
        sum = sum + between(light, side,
                            (static_cast<float>(x) + 0.25f + 0.5f * static_cast<float>(column)) * step - 0.5f,
                            (static_cast<float>(y) + 0.25f + 0.5f * static_cast<float>(row)) * step - 0.5f);
      }
      result[static_cast<size_t>(y) * small + x] = sum * 0.25f;
    }
  }
  return result;
}

void enlarge(const std::vector<uint8_t>& small_bytes, int small, int side, int channels, bool smooth,
             uint8_t* bytes) {
  const float step = static_cast<float>(small) / static_cast<float>(side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      float px = (static_cast<float>(x) + 0.5f) * step - 0.5f,
            py = (static_cast<float>(y) + 0.5f) * step - 0.5f;
      px = clamp(px, 0, static_cast<float>(small) - 1);
      py = clamp(py, 0, static_cast<float>(small) - 1);
      if (!smooth) {
        px = std::floor(px + 0.5f);
        py = std::floor(py + 0.5f);
      }
      const int x0 = std::min(static_cast<int>(px), small - 2),
                y0 = std::min(static_cast<int>(py), small - 2);
      const float tx = px - static_cast<float>(x0), ty = py - static_cast<float>(y0);
      for (int c = 0; c < channels; ++c) {
        const auto at = [&](int i, int j) {
          return static_cast<float>(
              small_bytes[(static_cast<size_t>(y0 + j) * small + x0 + i) * channels + c]);
        };
        const float value = mix(mix(at(0, 0), at(1, 0), tx), mix(at(0, 1), at(1, 1), tx), ty);
        bytes[(static_cast<size_t>(y) * side + x) * channels + c] = static_cast<uint8_t>(rounded(value));
      }
    }
  }
}

// Adds what each pixel differs from its eight neighbours.
void sharpen_edges(float amount, int side, int channels, uint8_t* bytes) {
  const std::vector<uint8_t> soft(bytes, bytes + static_cast<size_t>(side) * side * channels);
  for (int y = 1; y < side - 1; ++y) {
    for (int x = 1; x < side - 1; ++x) {
      for (int c = 0; c < channels; ++c) {
        const auto at = [&](int i, int j) {
          return static_cast<int>(soft[(static_cast<size_t>(y + j) * side + x + i) * channels + c]);
        };
        const int around = at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1);
        const auto value = static_cast<float>(at(0, 0)) +
                           amount * (static_cast<float>(at(0, 0)) - 0.25f * static_cast<float>(around));
        bytes[(static_cast<size_t>(y) * side + x) * channels + c] =
            static_cast<uint8_t>(clamp(value + 0.5f, 0, 255));
      }
    }
  }
}

// Colours of 2x2 pixels become one, in coarse steps, as JPEG's do; brightness stays.
void coarsen_colour(float steps, int side, uint8_t* bytes) {
  for (int y = 0; y < side; y += 2) {
    for (int x = 0; x < side; x += 2) {
      float red = 0, blue = 0;
      int count = 0;
      const auto each = [&](auto&& work) {
        for (int j = y; j < std::min(side, y + 2); ++j) {
          for (int i = x; i < std::min(side, x + 2); ++i)
            work(bytes + (static_cast<size_t>(j) * side + i) * 3);
        }
      };
      const auto bright = [](const uint8_t* p) {
        return 0.299f * static_cast<float>(p[0]) + 0.587f * static_cast<float>(p[1]) +
               0.114f * static_cast<float>(p[2]);
      };
      each([&](const uint8_t* p) {
        red += static_cast<float>(p[0]) - bright(p);
        blue += static_cast<float>(p[2]) - bright(p);
        ++count;
      });
      const float step = 1 + 6 * steps;
      red = std::floor(red / (static_cast<float>(count) * step) + 0.5f) * step;
      blue = std::floor(blue / (static_cast<float>(count) * step) + 0.5f) * step;
      each([&](uint8_t* p) {
        const float l = bright(p);
        const float green = -(0.299f * red + 0.114f * blue) / 0.587f;
        p[0] = static_cast<uint8_t>(clamp(l + red + 0.5f, 0, 255));
        p[1] = static_cast<uint8_t>(clamp(l + green + 0.5f, 0, 255));
        p[2] = static_cast<uint8_t>(clamp(l + blue + 0.5f, 0, 255));
      });
    }
  }
}

// Beyond its edges the picture is black, or what lies next to them.
void end_picture(const Camera& camera, int side, int channels, uint8_t* bytes) {
  const auto place = [&](float part) {
    return std::clamp(rounded(part * static_cast<float>(side)), 0, side);
  };
  const int left = place(camera.left), right = place(camera.right), top = place(camera.top),
            bottom = place(camera.bottom);
  if (left == 0 && top == 0 && right == side && bottom == side) return;
  const std::vector<uint8_t> whole(bytes, bytes + static_cast<size_t>(side) * side * channels);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int px = std::clamp(x, left, right - 1), py = std::clamp(y, top, bottom - 1);
      if (px == x && py == y) continue;
      for (int c = 0; c < channels; ++c) {
        bytes[(static_cast<size_t>(y) * side + x) * channels + c] =
            camera.black_beyond ? uint8_t{0} : whole[(static_cast<size_t>(py) * side + px) * channels + c];
      }
    }
  }
}

}  // namespace

void photograph_room(const Camera& camera, int side, int channels, Rng& rng, std::vector<Vec3>& light,
                     uint8_t* bytes) {
  if (camera.motion_x != 0 || camera.motion_y != 0) move(camera.motion_x, camera.motion_y, side, light);
  std::vector<Vec3> row;
  const int reach = rounded(camera.defocus * static_cast<float>(side) * 0.7f);
  for (int i = 0; reach > 0 && i < 2; ++i) box_blur(reach, side, light, row);
  const int small = std::max(12, rounded(static_cast<float>(side) / camera.coarse));
  if (small < side) light = reduced(light, side, small);
  const int now = std::min(small, side);

  Vec3 mean;
  for (const Vec3& pixel : light) mean = mean + pixel;
  mean = mean * (1 / static_cast<float>(light.size()));
  const Vec3 veil = mean * camera.veil;
  for (Vec3& pixel : light) {
    Vec3 c{(pixel.x + veil.x) * camera.gain.x, (pixel.y + veil.y) * camera.gain.y,
           (pixel.z + veil.z) * camera.gain.z};
    const float l = luma(c);
    const float saturation = camera.grey ? 0 : camera.saturation;
    c = {l + saturation * (c.x - l), l + saturation * (c.y - l), l + saturation * (c.z - l)};
    pixel = {std::max(0.f, c.x), std::max(0.f, c.y), std::max(0.f, c.z)};
  }
  std::vector<uint8_t> small_bytes;
  uint8_t* to = bytes;
  if (now < side) {
    small_bytes.resize(static_cast<size_t>(now) * now * channels);
    to = small_bytes.data();
  }
  const int planes = camera.grey ? 1 : channels;
  const std::vector<uint8_t> no_mask;
  if (planes == channels) {
    photograph(camera, now, channels, no_mask, rng, light, to);
  } else {
    std::vector<uint8_t> plane(static_cast<size_t>(now) * now);
    photograph(camera, now, 1, no_mask, rng, light, plane.data());
    for (size_t i = 0; i < plane.size(); ++i) std::fill_n(to + i * channels, channels, plane[i]);
  }
  if (camera.chroma > 0 && channels == 3 && !camera.grey) coarsen_colour(camera.chroma, now, to);
  if (now < side) enlarge(small_bytes, now, side, channels, rng.chance(0.8), bytes);
  if (camera.edge_sharpness > 0) sharpen_edges(camera.edge_sharpness, side, channels, bytes);
  end_picture(camera, side, channels, bytes);
}

}  // namespace mudra::synth
