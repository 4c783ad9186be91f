// Signs learned from the features of recorded hands: a last layer for them, and what it is worth on a
// recording that it has not seen.
#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/evaluation/label_errors.h"
#include "mudra/studio/hand_features.h"

namespace mudra {

// A hand to learn from.
struct Pupil {
  const HandFeatures* hand;  // that was found
  int32_t label;
  std::string recording;
};

struct Lesson {
  // [N, 1, 1, F]: the hands as they are, in the order they were given. Their groups are recordings.
  Dataset hands;
  // [N x changed_copies + M, 1, 1, F]: what trains. Behind the hands' copies stand M of what shows no sign.
  Dataset training;

  // `classes` are the signs, the last of them `none`; `none` are things that were taken for a hand.
  Lesson(std::vector<std::string> classes, int64_t width, std::span<const Pupil> pupils,
         std::span<const HandFeatures> none);

  const std::vector<std::string>& classes() const { return hands.classes; }
  // The rows of `training` that belong to these hands, and those of what shows no sign.
  std::vector<Row> training_rows(std::span<const Row> of_hands) const;
};

// The model with a last layer that has learned the lesson's classes from these hands; nothing when a stop was
// requested. The same hands give the same bits.
std::optional<Model> learn(const Lesson& lesson, const Model& begun, std::span<const Row> hands,
                           const std::stop_token& stop = {});

// Folds in which every hand is tested once, by a network that has seen no other of its recording, and in
// which each class trains. Hands of a class with one recording are never tested: `untested` are such classes.
struct RecordingFolds {
  std::vector<Fold> folds;  // of rows of Lesson::hands; none when nothing can be tested
  std::vector<std::string> untested;
};
RecordingFolds folds_by_recording(const Lesson& lesson);
// One fold that tests 15% of each class's pictures, drawn at random, as Teachable Machine does: neighbours of
// a picture are then in the training.
std::vector<Fold> fold_by_frames(const Lesson& lesson);

// What a test tells.
struct Check {
  std::vector<Row> tested;  // hands, in the order of the answers
  Answers answers;
  Evaluation evaluation;
  LabelErrors suspects;  // rows of Lesson::hands
};

// Trains and tests every fold; nothing when a stop was requested. `taught`, the model learned from all hands,
// gets its temperature, where there is more than one fold. It needs no threshold to refuse: it has `none`.
std::optional<Check> check(const Lesson& lesson, std::span<const Fold> folds, Model& taught,
                           const std::stop_token& stop = {});

}  // namespace mudra
