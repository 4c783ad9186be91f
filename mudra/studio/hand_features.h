// What a model that finds hands, and reads them, makes of the hand in a picture before its last layer: all
// that a last layer for other signs has to know of the picture.
#pragma once

#include <cstdint>
#include <vector>

#include "mudra/data/image.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/network/model.h"

namespace mudra {

// So many changed copies of a picture train, half of them of each of its two looks.
inline constexpr int64_t changed_copies = 8;

struct HandFeatures {
  // [F], the mean of both looks: a last layer's logits of it are the mean of its logits of them. Empty when
  // there is no hand.
  std::vector<float> seen;
  std::vector<float> changed;  // [changed_copies, F]

  bool found() const { return !seen.empty(); }
};

// Thread-safe.
class HandReader {
 public:
  // Throws Error when the model finds no hands, or does not end in a dense layer behind others.
  explicit HandReader(Model model);

  const Model& model() const { return model_; }
  int64_t width() const { return width_; }  // F
  // The same picture gives the same features: what changes its copies is drawn by its bytes.
  HandFeatures read(const Image& picture) const;

 private:
  Model model_;
  int64_t width_;
  HandCutter cutter_;
};

}  // namespace mudra
