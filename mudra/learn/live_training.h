// A training that is watched: a step at a time, forwards and back, with every number that it computes.
//
//   LiveTraining training(live_options({{"data", "synth:2000"}, {"recipe", "report"}}, {}));
//   training.advance(1);                          // a batch
//   training.gradients(row);                      // how the loss of one image grows with each weight
//   training.rewind(0);                           // the same bits as at the start
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mudra/experiment/experiment.h"
#include "mudra/network/plan.h"
#include "mudra/training/training_loss.h"

namespace mudra {

struct LiveState {
  int epoch = 1;               // the one going on, from 1
  int64_t batch = 0;           // steps done in it
  int64_t step = 0;            // steps done in all
  double loss = 0;             // of the last step's batch, before that step; NaN before the first one
  std::string problem, why;    // the loss is no number any more, and how that came; or empty
  bool is_edited = false;      // a weight was changed by hand on the way here
  std::vector<float> losses;   // of the last steps, no more than were asked for: the newest is that of `step`
  std::vector<Epoch> history;  // of whole epochs, those that were asked for
};

// What the network says of an image.
struct LiveExample {
  int32_t label = 0;
  std::vector<float> logits, probabilities;  // [1 or classes], [classes]
  double loss = 0;
};

// How the loss of an image grows with one weight w, by its derivative and by two losses.
struct LiveSlope {
  double value = 0;                              // w
  double derivative = 0;                         // dL/dw, by backpropagation
  double loss = 0;                               // L(w)
  double h = 0, loss_above = 0, loss_below = 0;  // L(w + h), L(w - h)
  double difference = 0;                         // (L(w + h) - L(w - h)) / 2h
  // How far the two may lie apart: what losses at twice the distance tell of the loss's curvature and
  // corners, and the rounding of the losses. An estimate where the loss has many corners, as with relu or max
  // pooling of convolutions.
  double error = 0;
};

struct LiveAnswers {
  std::vector<std::vector<float>> probabilities;  // of the held-out images, [classes] each
  std::vector<int64_t> confusion;                 // [K, K]: rows true, columns predicted
  double loss = 0, accuracy = 0;                  // NaN without such images
};

// Thread-safe; one question at a time. Parameters are those of Network::parameters() in their order, each in
// the order of files. Rows are of the data; wrong ones, as other arguments that cannot be, throw a usage
// Error.
class LiveTraining {
 public:
  // Reads the data. Throws Error.
  explicit LiveTraining(Options options);

  const Experiment& experiment() const { return experiment_; }
  int64_t batches() const { return batches_; }  // an epoch
  const Fold& fold() const { return experiment_.training(0); }

  LiveState state(int64_t since_step = 0, int since_epoch = 0) const;

  // So many steps, but no further once `seconds` are over, or the loss is no number. After the last step of
  // an epoch the held-out images are asked about.
  void advance(int64_t steps, double seconds);
  void advance_epochs(int64_t epochs, double seconds);  // to the end of this one, and of more
  // To the same bits as when so many steps had been done before. What was changed by hand from there on is
  // forgotten.
  void rewind(int64_t step);
  void set_weight(const std::string& name, int64_t index, float value);

  std::vector<float> weights() const;
  // Of the loss of one image, or the mean over the images of the next step.
  std::vector<float> gradients(std::optional<Row> row) const;
  // What a layer gives for an image, [H, W, C] or [n]. It must be one that gives something.
  std::vector<float> values(Row row, size_t layer) const;
  std::vector<Row> next_batch() const;
  LiveExample example(Row row) const;
  LiveSlope slope(Row row, const std::string& name, int64_t index) const;
  LiveAnswers answers() const;

 private:
  struct Edit {
    int64_t step;  // after so many
    std::string name;
    int64_t index;
    float value;
  };

  bool step();  // with the changes by hand that come before it; false where it ends
  void keep_checkpoint();
  double loss_of(const Network& network, Row row) const;
  Network gradients_of(std::span<const Row> rows) const;
  Network with_weight(const std::string& name, int64_t index, float value) const;
  std::string reason() const;
  void need_row(Row row) const;

  mutable std::mutex mutex_;  // of all that changes
  Experiment experiment_;
  mutable ThreadTeam team_;
  mutable Trainer trainer_;
  int64_t batches_;
  std::map<int64_t, std::string> checkpoints_;  // states of the trainer by their steps, before any Edit there
  int64_t checkpoint_every_ = 1;                // epochs
  std::vector<Edit> edits_;                     // in their order
  std::vector<float> losses_;                   // of every step
  mutable Plan explained_;                      // of one image
};

}  // namespace mudra
