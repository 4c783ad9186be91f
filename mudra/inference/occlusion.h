// What in a picture an answer hangs on: places of what the network reads are covered one after the other, and
// the answer is asked for again (Zeiler and Fergus 2014, section 4.2).
#pragma once

#include <array>
#include <vector>

#include "mudra/data/point.h"
#include "mudra/inference/predictor.h"

namespace mudra {

struct Occlusion {
  Answer answer;  // to the picture
  // Where the image that the network read lies, in parts of the picture: its upper left, upper right, lower
  // right and lower left corner. Of a model that finds hands it is the nearer look at the hand.
  std::array<Point, 4> corners;
  int side = 0;  // places down and across; 0 where no hand was found
  // [side, side]: how much the log odds of the answer's class fall when the place is covered, as a part of
  // the largest fall; 0 where they do not fall.
  std::vector<float> falls;
};

// Covers squares of a sixth of the image in its mean colour. Takes as long as 145 answers.
Occlusion occlusion(const Predictor& predictor, const Image& picture, ThreadTeam& team);

}  // namespace mudra
