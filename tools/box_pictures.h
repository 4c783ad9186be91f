// Pictures that the two networks of the model in the box learn from, and what is known of each.
#pragma once

#include <string>
#include <vector>

#include "mudra/mudra.h"

namespace mudra {

inline constexpr int finder_side = 96, finder_cells = 6, reader_side = 48;
inline constexpr int photographed_side = 160;  // of rooms in which hands are found

struct BoxOptions {
  int64_t reader_images = 440000, finder_images = 180000, photographed_images = 100000, judged_images = 10000;
  int epochs = 5;
  uint64_t seed = 1;
  int threads = 2;
  std::string photographs;           // a folder of hands before plain walls; or none
  std::string reader, finder;        // networks trained before
  std::vector<std::string> without;  // digits that the reader never sees
};

// The digits that the reader is to know, and none.
std::vector<std::string> classes_of(const BoxOptions& box);

// For the finder: rooms, and where the hand is in each.
Dataset rooms_to_search(const BoxOptions& box, ThreadTeam& team);

// For the reader, with the digit and the joints where those are known: hands cut out by the renderer, ...
Dataset hands_as_drawn(const BoxOptions& box, ThreadTeam& team);
// ... by the model's finder out of rendered rooms, with its mistakes: what it takes for a hand is no digit,
// and a digit that it cuts so that nobody could read it is left out; ...
Dataset hands_as_found(const BoxOptions& box, const Model& model, ThreadTeam& team);
// ... and by the finder out of rendered rooms with photographed hands in them.
Dataset hands_photographed(const BoxOptions& box, const Model& model, ThreadTeam& team);

// Pictures of other people's hands as they are held before a camera; rendered as they are read.
Dataset hands_to_judge(const BoxOptions& box);

}  // namespace mudra
