// The arithmetic of augmentation that goes over every pixel. Internal to features/.
#pragma once

#include <cstdint>

namespace mudra {

// Arrays these kernels write, or read as displacement, have this many floats more than they hold.
inline constexpr int64_t warp_padding = 64;

// Where an output pixel comes from, both counted from the middle of the image:
//   x_in = xx x + xy y + x0 + dx(x, y)      y_in = yx x + yy y + y0 + dy(x, y)
struct WarpMap {
  float xx = 1, xy = 0, x0 = 0;
  float yx = 0, yy = 1, y0 = 0;
  const float* dx = nullptr;  // [H, W] pixels, padded; both or neither
  const float* dy = nullptr;
};

// out [H, W, C] = in sampled bilinearly; the edge is repeated outside. `out` is padded and not `in`.
void warp_image(const float* in, int64_t height, int64_t width, int64_t channels, const WarpMap& map,
                float* out);

// v -> clamp((gain v)^gamma + noise n_i, 0, 1), in this order. n_i approximates a standard normal number by
// the sum of four uniform bytes (up to 3.45 deviations) of a 32-bit hash of the key and i.
struct ValueChange {
  float gain = 1;
  float gamma = 1;
  float noise = 0;
  uint32_t key[2] = {0, 0};
};
void change_values(float* values, int64_t count, const ValueChange& change);

}  // namespace mudra
