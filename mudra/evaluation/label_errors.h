// Which labels may be wrong, by confident learning (Northcutt, Jiang and Chuang 2021, sections 3 and 4):
// answers of networks that had not seen an image are held against its label. docs/labels.md explains it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/inference/answer.h"

namespace mudra {

// Of a class with fewer images no network learns enough to speak for or against it.
inline constexpr int64_t least_of_class = 5;

// On a terminal, a page, and in the JSON of a training.
inline constexpr size_t most_listed_suspects = 20;

struct LabelSuspect {
  Row row;             // of the data set
  int32_t suggestion;  // the class it seems to show
  double confidence;   // 0..1: (1 + p_suggestion - p_label) / 2; the label's own is one minus it
};

struct LabelErrors {
  std::vector<LabelSuspect> suspects;  // surest first; images of one photograph follow each other
  std::vector<double> thresholds;      // K: t_j; NaN for a class nothing can be said of
  std::vector<int64_t> joint;          // [K, K] images: rows given, columns seen with confidence
  int64_t judged = 0;                  // images that could be suspects
  double estimated = 0;                // wrong labels among them: off the diagonal of the calibrated joint
  std::vector<std::string> warnings;   // what could not be judged, a sentence each
};

// With p_ij the probability of class j for image i by a network that has not seen it, and y_i its label:
//
//   t_j = mean of p_ij over the images with y_i = j
//   image i seems to show  argmax_j { p_ij : p_ij >= t_j }    a suspect where that is not y_i
//   estimated = sum over y, and j other than y, of N_y C_yj / sum_k C_yk    C the joint, N_y images of y
//
// `answers` are those of all folds' test parts, one after the other, in their order; an image tested twice
// counts once. Images of one photograph show one sign: each gets the normalised mean of their log
// probabilities. What a fold answers about a class it was not trained on means nothing and is left out;
// images with such a label, and those of classes with fewer than `least_of_class`, are never suspects. Throws
// Error when a fold tests an image that it also trained on: networks agree with the labels they have learned.
LabelErrors find_label_errors(const Dataset& data, std::span<const Fold> folds, const Answers& answers);

}  // namespace mudra
