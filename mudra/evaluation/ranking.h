// One class against all others, by the probabilities of that class: ROC and precision-recall curves, and the
// areas below them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mudra/evaluation/resampling.h"
#include "mudra/inference/answer.h"

namespace mudra {

// Were every image answered with the class whose probability for it is at least `threshold`: how many would
// be of the class and how many not. Infinite: none at all.
struct CurvePoint {
  double threshold;
  int64_t right, wrong;
};

// The images of a test, those of the highest probability first. A refusal keeps its probabilities.
class Ranking {
 public:
  // truth: N class numbers, for answers of as many images
  Ranking(std::span<const int32_t> truth, const Answers& answers, size_t of_class);

  // In every sample: the area below the ROC curve (a tie counts half), NaN without images of the class or
  // without others, and the average precision, NaN without images of the class.
  struct Areas {
    std::vector<double> roc, average_precision;
  };
  Areas areas(const Resampling& tests) const;

  // From the highest threshold to the lowest, the first and the last of each number of right ones: between
  // them both curves are straight. Empty without images of the class or without others.
  std::vector<CurvePoint> curve() const;

 private:
  // Places in `order_`: of others that come before, of others of the same probability, of the class.
  struct Step {
    uint32_t before, tied, end;
  };
  std::vector<uint32_t> order_;
  std::vector<float> scores_;  // in that order
  std::vector<Step> steps_;    // one for each probability that an image of the class has
};

// The points of a curve, without those within `tolerance` of lines between others: in all of recall, false
// positive rate and precision.
std::vector<CurvePoint> thinned(std::span<const CurvePoint> curve, double tolerance);

}  // namespace mudra
