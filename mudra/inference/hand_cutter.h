// From a picture to the hand in it, cut out and upright, as a model's reader wants to see it.
#pragma once

#include <optional>
#include <string_view>

#include "mudra/data/dataset.h"
#include "mudra/hands/finder.h"
#include "mudra/inference/lent.h"
#include "mudra/network/model.h"
#include "mudra/network/plan.h"

namespace mudra {

// The part of a model that finds hands: its network ends in the heads that mudra/hands/finder.h describes.
inline constexpr std::string_view finder_part = "finder";
inline bool finds_hands(const Model& model) { return model.parts.contains(std::string(finder_part)); }

// What is cut out of a picture is looked for twice: in all of it, then nearby in the square around the hand.
struct HandCut {
  Image image;  // of the size and the channels of the model's input
  FoundHand hand;
};

struct HandCuts {
  float presence = 0;          // of a hand: the geometric mean of what both looks say
  std::vector<HandCut> looks;  // two, the nearer one last; none where presence is below least_presence

  bool found() const { return !looks.empty(); }
};

// What stands for the cut of a picture without a hand: an even grey.
Image no_cut(const Preprocessing& input);

// How many of these cuts are that even grey.
int64_t cuts_without_hand(const Pixels& cuts);

// Thread-safe: any number of threads may ask at once.
class HandCutter {
 public:
  // Throws Error when the finder's network is not one.
  explicit HandCutter(const Model& model);

  HandCuts cut_out(const Image& picture) const;

 private:
  struct Place {
    Plan plan;
    Tensor x;
  };

  FoundHand find(const Image& picture, Place& place) const;

  Part finder_;
  Preprocessing reader_;
  Lender<Place> places_;
};

}  // namespace mudra
