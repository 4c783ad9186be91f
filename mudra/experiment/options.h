// Everything a person may choose about an experiment: what is read, how it is divided, what is trained and
// how. Command line, options.toml and documents follow from describe().
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mudra/core/option.h"
#include "mudra/core/preprocessing.h"
#include "mudra/core/thread_team.h"
#include "mudra/layers/initialize.h"
#include "mudra/training/options.h"

namespace mudra {

// Height and width of images; 0, an empty text: as the data have it.
struct SizeOption {
  int height = 0, width = 0;

  static SizeOption parse(std::string_view text);  // "28x28" or "28"; throws a usage Error
  std::string text() const;
  bool operator==(const SizeOption&) const = default;
};

// The values that mean black and white in arrays; both 0, an empty text: recognised.
struct RangeOption {
  double black = 0, white = 0;

  static RangeOption parse(std::string_view text);  // "0,255"; throws a usage Error
  std::string text() const;
  bool operator==(const RangeOption&) const = default;
};

struct DataOptions {
  std::string source;
  std::vector<std::string> classes;  // empty: all
  std::string groups;
  std::vector<std::string> by;
  std::string labels;
  std::string example_weights;
  std::string true_labels;
  std::vector<std::string> extra;
  int repeat = 1;
  std::string corrections;
  bool strict = false;
  SizeOption size;
  RangeOption range;
  int channels = 0;
  Fit fit = Fit::stretch;

  bool operator==(const DataOptions&) const = default;
};

// How a run is carried out. Its result depends on none of these.
struct RunOptions {
  int threads = 0;
  double checkpoint = 10;
  int keep_epochs = 0;

  bool operator==(const RunOptions&) const = default;
};

struct Options {
  DataOptions data;
  std::string recipe;
  std::string split = "0.8";
  double validation = 0;
  double refuse = 0;
  std::string network = "dense 128, relu";
  std::string from;
  Initialization init = Initialization::he;
  TrainingOptions training;
  uint64_t seed = 1;  // of everything drawn at random: rendering, splitting, initial weights, training
  RunOptions run;

  // The options that a recipe, a file or a text has set: nobody else chooses them.
  std::set<std::string, std::less<>> given;

  bool operator==(const Options& other) const;  // whoever has set them
};

// Calls visit(OptionInfo, value) for every option, each named as it is everywhere.
template <class O, class Visit>
void describe(O& o, Visit&& visit) {
  const auto group = [&](std::string_view heading) {
    return [&visit, heading](std::string_view name, auto& value, std::string_view help, Limits limits = {}) {
      visit(OptionInfo{name, help, limits, heading}, value);
    };
  };
  const auto data = group("Data"), split = group("Split"), network = group("Network"), run = group("Run");
  data("data", o.data.source,
       "images: a .npz, .npy or .csv file, a folder with one sub-folder a class, or synth:N[:DOMAIN]");
  data("classes", o.data.classes, "only these classes, in this order, such as 0,5");
  data("groups", o.data.groups,
       "whose hand each image shows: a CSV (file,label,group) or an .npz (hand or group)");
  data("by", o.data.by,
       "tell the accuracy for each value of these columns of the groups, too, such as lighting");
  data("labels", o.data.labels, "the labels of images in a .npy or IDX file");
  data("corrections", o.data.corrections,
       "labels put right: a CSV (row,file,label,suggestion) as data check writes it, applied after reading");
  data("strict", o.data.strict, "stop at a picture or line that cannot be read instead of skipping it");
  data("size", o.data.size,
       "height x width of the images, such as 28x28, when the data do not say or to resize");
  data("range", o.data.range,
       "pixel values that mean black and white in arrays, such as -1,1; without it they are recognised");
  data("channels", o.data.channels, "1: grey, 3: colour, 0: as the images are", {0, 3});
  data("fit", o.data.fit, "how an image of another shape is fitted");
  data("example-weights", o.data.example_weights,
       "a file of what each image counts in the loss: .npy, .npz, one number a line, or a CSV (file,weight)");
  data("true-labels", o.data.true_labels,
       "what each image truly shows, to tell results against both: .npz (true_label), .npy or a CSV "
       "(file,true_label)");
  data("extra", o.data.extra,
       "more images that only train, never a hand or near copy of one held out: SOURCE, SOURCE:0.3 for a "
       "share "
       "of them, SOURCE:x4 to take each four times");
  data("repeat", o.data.repeat, "how often an epoch takes each image of the data, beside --extra", {1, 1000});
  split("split", o.split,
        "what is held out: 0.8 (trained on), stratified:0.8, group, kfold:5, stratified-kfold:5, "
        "group-kfold:5, leave-one-group-out or a file (FILE:FOLD of a nested one)");
  split("validation", o.validation,
        "share of the training part that chooses the epoch to keep; 0: keep the last", {0, 0.9});
  split("refuse", o.refuse,
        "share of its own signs that the model refuses, those it is least sure of, as the validation part or "
        "the "
        "folds tell",
        {0, 0.5});
  network("network", o.network,
          "the layers, such as \"conv 16 3x3, relu, pool 2, dense 64, relu\" (the output layer is added), or "
          "mlp, lenet, cnn-tiny, cnn or resnet-mini");
  network("init", o.init, "initial weights");
  network(
      "from", o.from,
      "begin with a trained model, its layers and weights but the last, for signs of your own: a model file, "
      "the folder of a run, a model in the box, or none");
  describe_training(o.training, visit);
  run("recipe", o.recipe, "start from a set of options: report, quick, best, or a TOML file of them");
  run("seed", o.seed, "of all random numbers: the same seed gives the same result, to the bit", seed_limits);
  run("threads", o.run.threads,
      "at most so many, fewer for a small network; 0: as many as there are. The result does not depend on it",
      {0, most_threads});
  run("checkpoint", o.run.checkpoint,
      "seconds from one checkpoint to the next; 0: after every step. The result does not depend on it",
      {0, 1e9});
  run("keep-epochs", o.run.keep_epochs,
      "keep weights, confusion matrix and answers of so many epochs, which the report's slider shows: evenly "
      "spread, the first and the last among them, and before them the untrained network; 0: none. The result "
      "does not depend on it",
      {0, 1000});
}

// Sets one option from text; throws a usage Error that names the option and what it may be.
void set_option(Options& options, std::string_view name, const std::string& text);

// Later sources win: defaults, then the recipe, then a TOML file, then what was given by name. A file that
// says every option, as to_toml() does, needs its recipe no more.
Options make_options(const std::filesystem::path& toml_file, const std::map<std::string, std::string>& given);

// Refuses options that contradict each other, by a usage Error.
void check_together(const Options& options);

// All options as TOML, which make_options reads.
std::string to_toml(const Options& options);

// Every option's name and text, in the order of describe().
std::vector<std::pair<std::string, std::string>> option_texts(const Options& options);

// --threads, but no more than there are processors, which would only slow each other down; all for 0.
int threads_allowed(const RunOptions& options);

}  // namespace mudra
