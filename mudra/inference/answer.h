// What a model says of images.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mudra {

// In parts of the picture's width and height, from its upper left corner.
struct Box {
  float left = 0, top = 0, right = 1, bottom = 1;
};
struct Joint {
  float x = 0, y = 0;
};

// None of these, from a model without a class for it: no class of the model, and not among the probabilities.
inline constexpr int32_t refused = -1;

// Of one image.
struct Answer {
  int32_t label = refused;           // index into the model's classes; its none_label() for what it refuses
  float confidence = 0;              // the probability of the label; of an image that is refused, the largest
  std::vector<float> probabilities;  // one a class
  std::vector<float> logits;         // one a class; a single one for two classes
  std::optional<Box> box;            // where the hand is, from models that look for it
  std::vector<Joint> joints;         // of that hand, from models that find them
};

// Of N images, with memory for no more than what an evaluation needs.
struct Answers {
  int64_t classes = 0;
  std::vector<int32_t> labels;       // N, as Answer::label
  std::vector<float> probabilities;  // [N, classes]

  size_t size() const { return labels.size(); }
  float probability(size_t image, size_t of_class) const {
    return probabilities[image * static_cast<size_t>(classes) + of_class];
  }
  std::span<const float> of(size_t image) const {  // its probabilities
    return std::span(probabilities)
        .subspan(image * static_cast<size_t>(classes), static_cast<size_t>(classes));
  }
  float confidence(size_t image) const;  // the probability of its label, or the largest where it is refused
  size_t likeliest(size_t image) const;  // the class that has it, also where the image is refused
  void append(Answers more);             // of the same classes
  void append(const Answer& one);
  Answers select(std::span<const uint32_t> images) const;
  // With a last class more, which is the answer for what was refused and has probability 0.
  Answers with_none_class() const;
};

}  // namespace mudra
