// What saving as JPEG does to an image, without the file. Internal to features/.
#pragma once

#include <array>
#include <cstdint>

namespace mudra {

// Rounds the discrete cosine transform of 8x8 blocks to the steps of ITU-T T.81, Annex K, scaled by quality
// as libjpeg does; colour as YCbCr at full resolution. Only rounding loses anything in a JPEG, so this is
// what writing and reading one does, with the same bits everywhere.
class JpegArtefacts {
 public:
  JpegArtefacts();

  // image [H, W, C] values 0..1, changed in place; C = 3 is red, green, blue, else each channel is grey.
  // quality 1..100. Thread-safe: changes no member.
  void apply(float* image, int64_t height, int64_t width, int64_t channels, int quality) const;

 private:
  void round_block(float* block, const std::array<uint8_t, 64>& steps, int quality) const;

  float cosines_[8][8];  // [frequency][position], orthonormal
};

}  // namespace mudra
