// What is changed at random in training images, and how much.
#pragma once

#include <string>
#include <string_view>

namespace mudra {

// Zero means off. A value is the largest change; each image draws its own, evenly up to it, to either side
// unless said otherwise.
struct Augmentation {
  double rotate = 0;      // degrees
  double scale = 0;       // 0.1: from 0.9 to 1.1 times the size
  double shear = 0;       // columns a row moves sideways per row from the middle
  double shift = 0;       // pixels, along each axis
  double elastic = 0;     // pixels that the points of a coarse grid move; smooth between them
  double brightness = 0;  // 0.2: from 0.8 to 1.2 times as bright
  double gamma = 0;       // 0.5: values to the power of 1/1.5 to 1.5
  double noise = 0;       // standard deviation of every value's change; white is 1
  double blur = 0;        // largest standard deviation, pixels
  double erase = 0;       // largest share of the image covered by a grey rectangle
  double flip = 0;        // chance of left for right; a left hand may then stand for a right one
  double background = 0;  // chance that black around a cut-out hand is replaced
  double jpeg = 0;        // lowest quality, 1 to 95; drawn from it to 95

  // From "rotate 15, scale 0.1"; an empty text is no change. Throws a usage Error that names the item.
  static Augmentation parse(std::string_view text);
  std::string text() const;  // what parse() reads, in the order above

  // The first of the changes that moves what is in the image, by its name; empty: none does.
  std::string_view geometric() const;
  bool any() const { return *this != Augmentation(); }
  bool operator==(const Augmentation&) const = default;
};

}  // namespace mudra
