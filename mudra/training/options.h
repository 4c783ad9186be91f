// Everything a person may choose about a training run, described once: the command line, options.toml and
// Python all follow from describe().
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mudra {

struct Options {
  std::string data;
  std::string recipe;
  std::vector<std::string> classes;  // empty: all
  std::string groups;
  std::string labels;
  bool strict = false;
  std::string size;
  int channels = 0;
  std::string fit = "stretch";
  std::string split = "0.8";
  std::string network = "dense 128, relu";
  std::string init = "he";
  std::string optimizer = "adam";
  double learning_rate = 0.001;
  std::string schedule = "constant";
  double warm_up = 0;
  int step_every = 10;
  double step_factor = 0.1;
  double momentum = 0.9;
  double weight_decay = 0;
  double clip = 0;
  double ema = 0;
  double label_smoothing = 0;
  std::string class_weights;
  std::string example_weights;
  int epochs = 30;
  double validation = 0;
  int patience = 0;
  int batch_size = 64;
  bool shuffle = true;
  std::string augment;
  uint64_t seed = 1;
  int threads = 0;
  double checkpoint = 10;

  bool operator==(const Options&) const = default;
};

// The values a number may have; whole numbers are compared as doubles.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_excluded = false;
};

// Calls visit(name, value, help, limits) for every option; `limits` is a Range for numbers, a list of words
// for text that must be one of them, and an empty list for free text. The name is the one used everywhere.
template <class O, class Visit>
void describe(O& o, Visit&& visit) {
  const auto any = std::vector<std::string_view>{};
  const Range positive{0, 1e9, true};
  visit("data", o.data,
        "images: a .npz, .npy or .csv file, a folder with one sub-folder a class, or synth:N[:DOMAIN]", any);
  visit("recipe", o.recipe, "start from a named set of options", std::vector<std::string_view>{"", "report"});
  visit("classes", o.classes, "only these classes, in this order, such as 0,5", any);
  visit("groups", o.groups,
        "whose hand each image shows: a CSV (file,label,group) or an .npz (hand or group)", any);
  visit("labels", o.labels, "the labels of images in a .npy or IDX file", any);
  visit("strict", o.strict, "stop at a picture or line that cannot be read instead of skipping it", any);
  visit("size", o.size, "height x width of the images, such as 28x28, when the data do not say or to resize",
        any);
  visit("channels", o.channels, "1: grey, 3: colour, 0: as the images are", Range{0, 3});
  visit("fit", o.fit, "how an image of another shape is fitted",
        std::vector<std::string_view>{"stretch", "keep-aspect"});
  visit("split", o.split,
        "what is held out: 0.8 (trained on), stratified:0.8, group, kfold:5, group-kfold:5, "
        "leave-one-group-out or a file (FILE:FOLD of a nested one)",
        any);
  visit("network", o.network,
        "the layers, such as \"conv 16 3x3, relu, pool 2, dense 64, relu\" (the output layer is added), or "
        "mlp, lenet, "
        "cnn-tiny, cnn or resnet-mini",
        any);
  visit("init", o.init, "initial weights", std::vector<std::string_view>{"normal", "xavier", "he"});
  visit("optimizer", o.optimizer, "how weights follow the gradient",
        std::vector<std::string_view>{"sgd", "momentum", "nesterov", "adam", "adamw"});
  visit("learning-rate", o.learning_rate, "length of a step; the largest, with a schedule", positive);
  visit("schedule", o.schedule, "how the learning rate goes down",
        std::vector<std::string_view>{"constant", "step", "cosine", "one-cycle"});
  visit("warm-up", o.warm_up,
        "epochs in which the learning rate grows to its full length; below 1: a share of the training",
        Range{0, 1e6});
  visit("step-every", o.step_every, "for --schedule step: epochs between two drops", Range{1, 1e6});
  visit("step-factor", o.step_factor, "for --schedule step: what a drop leaves", Range{0, 1, true});
  visit("momentum", o.momentum, "for momentum and nesterov", Range{0, 1});
  visit("weight-decay", o.weight_decay, "pull of weights towards zero", Range{0, 1e6});
  visit("clip", o.clip, "shorten a gradient longer than this, over all weights; 0: never", Range{0, 1e9});
  visit("ema", o.ema,
        "keep an average of the weights with this memory, such as 0.999; 0: the weights as they are",
        Range{0, 0.999999});
  visit("label-smoothing", o.label_smoothing, "share of every target spread over all classes",
        Range{0, 0.999});
  visit("class-weights", o.class_weights,
        "what an image counts in the loss: balanced, or one number a class, such as 1,2.5", any);
  visit("example-weights", o.example_weights,
        "a file of what each image counts in the loss: .npy, .npz, one number a line, or a CSV (file,weight)",
        any);
  visit("epochs", o.epochs, "passes over the training images", Range{1, 1e6});
  visit("validation", o.validation,
        "share of the training part that chooses the epoch to keep; 0: keep the last", Range{0, 0.9});
  visit("patience", o.patience, "stop after so many epochs without a lower validation loss; 0: never",
        Range{0, 1e6});
  visit("batch-size", o.batch_size, "images a step", Range{1, 1 << 20});
  visit("shuffle", o.shuffle, "a new order every epoch", any);
  visit("augment", o.augment, "random changes of the training images, such as \"rotate 15, shift 2\"", any);
  visit("seed", o.seed, "the run's random numbers", Range{0});
  visit(
      "threads", o.threads,
      "at most so many, fewer for a small network; 0: as many as there are. The result does not depend on it",
      Range{0, 1024});
  visit("checkpoint", o.checkpoint,
        "seconds from one checkpoint to the next; 0: after every step. The result does not depend on it",
        Range{0, 1e9});
}

// Sets one option from text; throws a usage Error that names the option and what it may be.
void set_option(Options& options, std::string_view name, const std::string& text);

// One option's value as text, as set_option reads it.
std::string option_text(const Options& options, std::string_view name);

// Later sources win: defaults, then the recipe, then a TOML file, then what was given by name.
Options make_options(const std::filesystem::path& toml_file, const std::map<std::string, std::string>& given);

// All options as TOML, and back.
std::string to_toml(const Options& options);

// Names and values as text, for reports.
std::vector<std::pair<std::string, std::string>> to_pairs(const Options& options);

}  // namespace mudra
