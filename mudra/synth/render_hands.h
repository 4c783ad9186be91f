// The data set inside the program: hands rendered from nothing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"

namespace mudra {

struct SynthOptions {
  int64_t count = 1000;  // images
  int size = 28;         // pixels a side, 16 to 512
  uint64_t seed = 1;
  double none_fraction = 0;  // share of images labelled "none": fists, half poses, empty frames
  std::string domain =
      "massey";         // massey: cut out on black; ankara: before a bright wall; webcam: anything; mixed
  bool colour = false;  // red, green, blue instead of grey
};

// Consecutive images of one person; the last person may have fewer.
inline constexpr int64_t images_per_person = 20;

// Labels "0" to "9", balanced, and "none" if asked for; a group is one rendered person.
// Image i depends only on the options and i, never on count or on the number of threads.
// Throws a usage Error when an option is out of range.   progress: in images
Dataset render_hands(const SynthOptions& options, ThreadTeam& team, const Progress& progress = {});

// Throws the usage Error that render_hands() throws for these options, if any.
void check_renderable(const SynthOptions& options);

// The same data set, whose images are rendered when they are read: labels and groups are known at once, and
// take 8 bytes an image. Reading is thread-safe. More than 16 GB of images, which render_hands() refuses, are
// allowed.
Dataset rendered_on_demand(const SynthOptions& options);

// The images of the data set at `rows`, in that order. Throws as render_hands().   progress: in images
Pixels render_images(const SynthOptions& options, std::span<const Row> rows, ThreadTeam& team,
                     const Progress& progress = {});

// Renders the images some people at a time, and hands the bytes of each such part to `take` in order, until
// it says false.
using TakeImages = std::function<bool(std::span<const uint8_t> bytes)>;
void render_parts(const SynthOptions& options, ThreadTeam& team, const Progress& progress,
                  const TakeImages& take);

// One image with what is known about it.
struct RenderedHand {
  int label = 0;                // 0..9; 10: none
  std::vector<uint8_t> pixels;  // [size, size, channels]
  std::vector<uint8_t> mask;    // [size, size]: share of the pixel that is hand or sleeve, 0..255
  std::array<std::array<float, 2>, 21> joints{};  // x, y in pixels, in the usual order of hand landmarks
  bool empty = false;                             // no hand in the frame: joints mean nothing
};

// Where the joints of image `index` are, x and y in pixels, without rendering it; nothing where no hand is in
// the frame.
std::optional<std::array<std::array<float, 2>, 21>> rendered_joints(const SynthOptions& options,
                                                                    int64_t index);

// Image `index` of the set that `options` describes.
RenderedHand render_hand(const SynthOptions& options, int64_t index);

}  // namespace mudra
