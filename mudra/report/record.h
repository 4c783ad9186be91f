// What a report tells of an experiment or of a test: plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mudra/experiment/experiment.h"

namespace mudra {

// One of several trainings, each tested on images of its own.
struct FoldRecord {
  std::string name;    // "hand3"
  int64_t images = 0;  // tested
  int64_t right = 0;
};

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// Weights of a dense layer that looks at pixels, as images.
struct WeightImages {
  Shape shape;                // [units, H, W, C]; rank 0 when there is no such layer
  std::vector<float> before;  // as initialised, laid out as `shape`; may be empty
  std::vector<float> after;   // as trained
};

// The network as it was after an epoch that was kept.
struct EpochRecord {
  int number = 0;                  // 0: before training
  std::vector<int64_t> confusion;  // [K, K]: rows true, columns predicted; of all images held out
  Answers answers;                 // for KeptEpochs::rows, at temperature 1
  std::vector<float> weights;      // laid out as KeptEpochs::weights
};

// The epochs of the shown training that were kept (--keep-epochs).
struct KeptEpochs {
  std::vector<EpochRecord> epochs;  // evenly spread over those kept; none unless they were asked for
  size_t kept = 0;                  // how many there are in the run's folder
  std::vector<Row> rows;            // of the record's `test`: a few examples that the training did not see
  // [units, H, W]: of some units of the first layer, evenly spread, the mean over colours; rank 0 when that
  // does not look at pixels, or was not trained.
  Shape weights;
  int64_t units = 0;     // that the first layer has
  bool is_conv = false;  // whether its units are filters
};

struct OptionRecord {
  std::string name, text;  // as spelled on the command line, without dashes
  bool changed = false;    // from its default
};

// Labels that the answers of several folds speak against.
struct LabelRecord {
  int64_t count = 0;
  // No more than most_listed_suspects, one of each photograph where they are known; `row` is of the record's
  // `test`.
  std::vector<LabelSuspect> first;
};

struct RunRecord {
  std::string command;  // repeats the run: "mudra train --options runs/report-1/options.toml"
  std::vector<OptionRecord> options;
  std::string options_toml;    // the same as a file that repeats the run; empty when nothing was trained
  std::string data;            // "dataset_labels.npz: 5,000 images 28x28, ten classes; kept 0 and 5: 1,000"
  std::string extra;           // extra_text() of what trained beside the data; empty when nothing did
  std::string split;           // "800 to train, 200 held out, random, seed 1"; empty when nothing was split
  std::string network;         // "dense 128, sigmoid -> 1, 100,609 parameters"
  int64_t trained_on = 0;      // images; 0 when nothing was trained
  std::string saved_model;     // saved_model_text(); empty when nothing was trained
  std::string shown_training;  // the name of the fold whose history this is
  int64_t kept_epoch = 0;      // of that fold: the last, or the one validation chose
  std::vector<Epoch> history;  // of that fold; empty when nothing was trained
  std::vector<FoldRecord> folds;              // empty when there is only one
  Calibration calibration;                    // of the answers
  std::string refusal;                        // refusal_text() of the model; empty when it refuses nothing
  Evaluation evaluation;                      // of the N test images
  std::optional<Evaluation> true_evaluation;  // against the true labels, where those are known
  Dataset test;                               // N images; labels index evaluation.classes
  Answers answers;                            // for them
  LabelRecord labels;                         // none with one fold
  KeptEpochs epochs;
  WeightImages weights;
  Seconds seconds;
  NamedTexts environment;             // version, compiler, processor, instruction set, threads
  std::vector<std::string> notes;     // what reading the data recognised or left out
  std::vector<std::string> doubts;    // what the split leaves open: one sentence each
  std::vector<std::string> warnings;  // one sentence each, most important first
};

// Held-out images with a near copy in their fold's training part; nothing when there are too many images to
// look for them after every training.
std::optional<int64_t> count_near_copies(const Experiment& experiment);

// What the result warns of, one text each with what to do, most important first.
std::vector<std::string> warnings_of(const Experiment& experiment, const ExperimentResult& result,
                                     std::optional<int64_t> near_copies);
std::vector<std::string> warnings_of(const ModelTest& test);

// How many images the model that is kept was trained on, however often an epoch takes each.
int64_t images_trained_on(const Experiment& experiment);

// Which images the model that is kept was trained on: "learned from 800 pictures; ..."
std::string saved_model_text(const Experiment& experiment);

// "800 to train, 200 held out, random, seed 1"
std::string describe_split(const Split& split);

// `result` may be moved in: its answers are large. `folder`: of the run, where the epochs kept are read;
// `threads`: that trained; `near_copies`: held-out images with a near copy in training, if they were looked
// for. Throws Error when an epoch that was kept is damaged.
RunRecord make_record(const Experiment& experiment, ExperimentResult result,
                      const std::filesystem::path& folder, int threads, std::optional<int64_t> near_copies);

// `options`: those the test was asked with; `file`: the model's.
RunRecord make_record(const ModelTest& test, const Options& options, const std::filesystem::path& file);

}  // namespace mudra
