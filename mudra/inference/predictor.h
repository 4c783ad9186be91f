// A model that answers: pictures in, classes with their probabilities out.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "mudra/core/progress.h"
#include "mudra/core/thread_team.h"
#include "mudra/data/image.h"
#include "mudra/inference/answer.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/inference/inference.h"
#include "mudra/inference/lent.h"
#include "mudra/network/model.h"

namespace mudra {

// The label of an answer that means none of these: the model's class for it, or `refused` where it has none.
int32_t none_label(const Model& model);

// Throws Error for a model that reads rows of features.
void check_reads_pictures(const Model& model);

// Thread-safe: any number of threads may ask at once, each with a ThreadTeam of its own. A question of one
// image takes memory for its answer only, once as many have been asked at the same time before.
class Predictor {
 public:
  // Throws Error when the model's network does not tell its classes apart (heads.h).
  explicit Predictor(Model model);

  const Model& model() const { return model_; }
  const HandCutter* cutter() const { return cutter_ ? &*cutter_ : nullptr; }  // of a model that finds hands

  // A picture of any size and colour is brought to the model's input first; a model that finds hands is asked
  // about the hand it finds, and says where that is. `seen`, if given, becomes what it saw nearest of that
  // hand.
  Answer answer(const Image& picture, Image* seen = nullptr) const;
  // The same for each of an array's images [N, H, W, C].
  std::vector<Answer> answer(const Pixels& pictures) const;
  // One prepared image of the model's input: H*W*C values 0..1, channels last. Joints are in parts of it.
  Answer answer(std::span<const float> image) const;
  // Prepared images x [N, H, W, C], N from 1 to answered_together, else throws Error.
  //   logits becomes [N, 1 or classes], probabilities [N, classes]; their memory is used again when it fits
  void answer(const Tensor& x, ThreadTeam& team, Tensor& logits, Tensor& probabilities) const;
  // Images of the model's input size, in order, with memory for a few of them at a time.
  //   logits becomes [N, 1 or classes] and probabilities [N, classes]; either may be empty
  void answer(const Pixels& images, ThreadTeam& team, std::span<float> logits, std::span<float> probabilities,
              const Progress& progress = {}) const;
  // What is answered to images of such probabilities [classes]: the likeliest class, unless it is refused.
  int32_t label_of(std::span<const float> probabilities) const;
  // The rows of a data set, whose classes must be the model's and whose images its input's size. Throws
  // Error.
  Answers answers(const Dataset& data, std::span<const Row> rows, ThreadTeam& team) const;

 private:
  // A plan with memory for what goes in and comes out of it.
  struct Place {
    Plan plan;
    Tensor x{}, logits{}, probabilities{};
    Tensor mirrored{}, mirrored_logits{};  // of a model that is asked about them, too
  };
  Lender<Place>::Lent lend(int64_t images) const;  // for the time of one question
  // Returns all that the network gave for x itself.
  const Tensor& infer(Place& place, const Tensor& x, ThreadTeam& team, Tensor& logits,
                      Tensor& probabilities) const;
  Answer answer_of(const HandCuts& cuts) const;
  void weigh(float presence, Answer& answer) const;

  Model model_;
  int32_t none_;
  Lender<Place> places_;
  std::optional<HandCutter> cutter_;  // of a model that finds hands
};

}  // namespace mudra
