// How far a score may be off: the test drawn again and again from its independent units, once for all scores.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mudra/evaluation/interval.h"

namespace mudra {

// A number and its 95% interval. All three are NaN where scikit-learn calls the number undefined.
struct Score {
  double value, low, high;
};

// Samples of a test: each draws as many units as there are, with replacement, and a unit brings all its
// images. The first sample is the test itself, so that a score and its doubt come from the same lines of
// code. Const member functions may be called from any thread.
class Resampling {
 public:
  // So many samples are computed together, each in a lane of its own.
  static constexpr size_t lanes = 16;
  using Counts = std::array<int32_t, lanes>;  // how often something is in each sample of a block

  // The units of a test of N >= 1 images: hands where there are at least `least_groups` of them, photographs
  // where those are known, images otherwise. `classes` makes the work known: 1,023 samples beside the test
  // itself, fewer (207 at least) where images x classes are many. More than 1,024 units are dealt at random
  // into so many heaps, which are drawn as a whole.
  Resampling(size_t images, size_t classes, const IndependentUnits& units);
  // Samples drawn elsewhere: `draws` are units, as numbered in `unit` [N] from 0 to `units` - 1.
  Resampling(std::span<const int32_t> unit, size_t units, std::span<const std::vector<int32_t>> draws);

  const std::string& unit() const { return unit_; }  // "group", "photograph", "image"
  int64_t units() const { return units_; }           // independent ones
  size_t samples() const { return blocks() * lanes; }
  size_t blocks() const { return counts_.size() / heaps_; }
  // [heaps()] how often each heap is in the samples of a block.
  std::span<const Counts> block(size_t at) const { return std::span(counts_).subspan(at * heaps_, heaps_); }
  std::span<const uint16_t> heap() const { return heap_; }  // N: the heap of each image, mostly one unit
  size_t heaps() const { return heaps_; }

  // Of every kind of image, how many units have one, and how many have one of another kind; and how many
  // things of that kind, or of the rarer of both, may be wrong alone: units, but images where these are
  // hands, which are hardly ever wrong as a whole.
  //   kind: N numbers from 0 to `kinds` - 1
  struct Units {
    std::vector<int64_t> with, with_others, alone, alone_or_others;
  };
  Units units_with(std::span<const int32_t> kind, size_t kinds) const;

 private:
  std::string unit_;
  int64_t units_ = 0;
  size_t heaps_ = 0;
  std::vector<uint32_t> number_;  // N: the unit of each image
  std::vector<uint16_t> heap_;    // N: its heap
  std::vector<Counts> counts_;    // [blocks, heaps]
};

// The score of a test and its interval. `samples`: its value in every sample, NaN where it has none, the test
// itself first; `units`: of which the value is a kind of average; [lowest, highest]: what it can be;
// `mistake`: by how much one more could lower it, as a share of that range: samples know nothing of mistakes
// that a rare class only happens not to show.
//   Student's t with the deviation of the samples, on the scale arcsin sqrt((v - lowest) / (highest -
//   lowest)), on which a share varies alike everywhere; each bound as if there had been one mistake more, or
//   one less (the idea of Fay and Feuer 1997). Where all units are alike, or the value is as high or low as
//   can be: Wilson's interval over the units. One unit says nothing: [lowest, highest]. docs/intervals.md has
//   its coverage.
Score score_of(std::span<const double> samples, int64_t units, double lowest = 0, double highest = 1,
               double mistake = 0);

}  // namespace mudra
