// Everything a person may choose about a training.
#pragma once

#include "mudra/core/option.h"
#include "mudra/features/augmentation.h"
#include "mudra/training/class_weights.h"
#include "mudra/training/optimizer.h"
#include "mudra/training/schedule.h"

namespace mudra {

struct TrainingOptions {
  OptimizerKind optimizer = OptimizerKind::adam;
  double learning_rate = 0.001;
  ScheduleKind schedule = ScheduleKind::constant;
  double warm_up = 0;
  int step_every = 10;
  double step_factor = 0.1;
  double momentum = 0.9;
  double weight_decay = 0;
  double clip = 0;
  double ema = 0;
  double label_smoothing = 0;
  ClassWeights class_weights;
  int epochs = 30;  // the schedule's horizon, and where a training ends unless told otherwise
  int patience = 0;
  int batch_size = 64;
  bool shuffle = true;
  Augmentation augment;
  int freeze = 0;

  OptimizerOptions optimizer_options() const {
    return {.kind = optimizer, .momentum = momentum, .weight_decay = weight_decay, .clip = clip};
  }
  bool operator==(const TrainingOptions&) const = default;
};

// Calls visit(OptionInfo, value) for every option. The name is the one used everywhere.
template <class O, class Visit>
void describe_training(O& o, Visit&& visit) {
  const auto option = [&](std::string_view name, auto& value, std::string_view help, Limits limits = {}) {
    visit(OptionInfo{name, help, limits, "Training"}, value);
  };
  option("optimizer", o.optimizer, "how weights follow the gradient");
  option("learning-rate", o.learning_rate, "length of a step; the largest, with a schedule", {0, 1e9, true});
  option("schedule", o.schedule, "how the learning rate goes down");
  option("warm-up", o.warm_up,
         "epochs in which the learning rate grows to its full length; below 1: a share of the training",
         {0, 1e6});
  option("step-every", o.step_every, "for --schedule step: epochs between two drops", {1, 1e6});
  option("step-factor", o.step_factor, "for --schedule step: what a drop leaves", {0, 1, true});
  option("momentum", o.momentum, "for momentum and nesterov", {0, 1});
  option("weight-decay", o.weight_decay, "pull of weights towards zero", {0, 1e6});
  option("clip", o.clip, "shorten a gradient longer than this, over all weights; 0: never", {0, 1e9});
  option("ema", o.ema,
         "keep an average of the weights with this memory, such as 0.999; 0: the weights as they are",
         {0, 0.999999});
  option("label-smoothing", o.label_smoothing, "share of every target spread over all classes", {0, 0.999});
  option("class-weights", o.class_weights,
         "what an image counts in the loss: balanced, or one number a class, such as 1,2.5");
  option("epochs", o.epochs, "passes over the training images", {1, 1e6});
  option("patience", o.patience, "stop after so many epochs without a lower validation loss; 0: never",
         {0, 1e6});
  option("batch-size", o.batch_size, "images a step", {1, 1 << 20});
  option("shuffle", o.shuffle, "a new order every epoch");
  option("augment", o.augment, "random changes of the training images, such as \"rotate 15, shift 2\"");
  option("freeze", o.freeze, "leave the weights of the network's first layers, so many, as they begin",
         {0, 256});
}

}  // namespace mudra
