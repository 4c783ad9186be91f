// Changes training images at random, the same way for the same seed whatever the batch or the threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "mudra/core/rng.h"
#include "mudra/core/shape.h"
#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/data/image.h"
#include "mudra/features/augmentation.h"

namespace mudra {

// A smooth field on the image: uniform cubic B-splines over a grid of 4x4 cells, as free-form deformations
// have it (Rueckert et al. 1999). Every output is a weighted mean of 16 of the grid's points.
class SmoothField {
 public:
  static constexpr int cells = 4, points = cells + 3;

  SmoothField(int64_t height, int64_t width);

  // out [H, W] = the field through `grid` [points, points].
  void draw(const float* grid, float* out) const;

 private:
  struct Axis {
    std::vector<int> cell;       // first of the four points
    std::vector<float> weights;  // [size, 4]
  };
  static Axis axis(int64_t size);
  Axis down_, across_;
};

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

// Applies, to each image: background, one warp (flip, shear, scale, rotate, shift and elastic together),
// blur, erase, brightness, gamma, noise, JPEG. Nothing is taken from the heap after construction, and
// nothing is thrown: the settings were checked when they were read. One caller at a time.
class Augmenter {
 public:
  Augmenter(const Augmentation& augmentation, const Shape& image, int64_t max_batch);  // image: [1, H, W, C]

  // Changes images [count, H, W, C] in place; example_numbers names each image, whatever batch it is in.
  void apply(float* images, int64_t count, uint64_t seed, uint32_t epoch,
             std::span<const Row> example_numbers, ThreadTeam& team);

 private:
  struct Scratch {
    Scratch(int64_t height, int64_t width, int64_t channels, double most_blur);
    std::vector<float> image, dx, dy;
    std::vector<int32_t> queue;
    std::vector<uint8_t> outside;
    Blur blur;
  };
  struct Draw;

  void change(float* image, Rng rng, Scratch& scratch) const;
  Draw draw(Rng& rng) const;
  void replace_background(float* image, Rng& rng, Scratch& scratch) const;
  void draw_displacement(Rng& rng, Scratch& scratch) const;
  void warp(float* image, const Draw& draw, Scratch& scratch) const;
  void erase(float* image, const Draw& draw) const;

  Augmentation options_;
  int64_t height_, width_, channels_, max_batch_;
  SmoothField field_;
  bool warps_;
  JpegArtefacts jpeg_;
  std::vector<Scratch> scratch_;  // one for each of a fixed number of parts of a batch
};

// Images of every class in turn, as they are in the first row and below as `variants` epochs of training with
// this seed would see them.
Image augment_sheet(const Dataset& data, const Augmentation& augmentation, uint64_t seed, int variants = 7,
                    int columns = 16, int cell = 56);

}  // namespace mudra
