// An experiment as values: what is settled before training, what each training gave, and what all of them
// tell. Nothing here prints, or knows a folder; whoever wants to keep something listens (ExperimentEvents).
//
//   Experiment e = prepare(std::move(data), options);
//   for (size_t i = 0; i < e.trainings(); ++i) {        // in any order, on several threads, in several
//   processes
//     Trainer trainer = trainer_for(e, i, team);
//     trainer.run();
//     results.push_back(result_of(e, i, std::move(trainer), team));
//   }
//   ExperimentResult result = conclude(e, std::move(results));
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "mudra/core/progress.h"
#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/evaluation/label_errors.h"
#include "mudra/experiment/calibrate.h"
#include "mudra/experiment/extra.h"
#include "mudra/experiment/options.h"
#include "mudra/inference/answer.h"
#include "mudra/network/model.h"
#include "mudra/training/trainer.h"

namespace mudra {

// What a last layer that learns alone is trained on: what the frozen layers make of the images, once.
struct FeatureTrainings {
  Dataset data;
  std::vector<Fold> folds;  // of the experiment's trainings; the rows are of `data`
};

// A plain value; trainers refer to it. Const member functions may be called from any thread.
struct Experiment {
  Options options;
  Dataset data;
  std::string data_text;              // what was read and what of it is used
  std::vector<std::string> chosen;    // options that nobody chose, as on a command line: "--network cnn"
  std::vector<Extra> extra;           // images that only train
  std::optional<Dataset> with_extra;  // the data, then the images that only train, if there are any
  Split split;                        // of the data alone
  Model initial;                      // classes, preprocessing, and the network before training
  // What is trained, one after the other: the folds, then with more than one of them all images, on which the
  // model to keep is trained. Rows are of training_data(): those of the data, and in the training parts more.
  // Empty when it is the split's only fold as it is.
  std::vector<Fold> folds;
  std::optional<FeatureTrainings> features;  // where --freeze leaves only the last layer to learn

  size_t trainings() const { return folds.empty() ? 1 : folds.size(); }
  const Fold& training(size_t i) const { return folds.empty() ? split.folds[i] : folds[i]; }
  bool trains_on_all() const { return trainings() > split.folds.size(); }
  const Dataset& training_data() const { return with_extra ? *with_extra : data; }
  // Whose losses stand for all: the last fold's, for a training on all images holds nothing out.
  size_t shown_training() const { return split.folds.size() - 1; }
  const Fold& model_training() const { return training(trainings() - 1); }  // of the model that is kept
};

// Throws Error unless there are two classes to tell apart.
void check_classes(const Dataset& data);

// Splits the data, says which of the extra images may train where, and makes the network. Throws Error for
// what cannot be, before any training.
Experiment prepare(Dataset data, const Options& options, std::vector<Extra> extra = {});
// The same with a split that is made already, but for its validation parts.
Experiment prepare(Dataset data, const Options& options, Split split, std::vector<Extra> extra = {});

// Held-out images whose group also trains in their fold. The data must have groups.
int64_t images_of_trained_groups(const Experiment& experiment);

// Whether extra photographs train of which nobody knows whose hands they show.
bool has_unknown_hands(const Experiment& experiment);

// options.network for the data's images and classes, with no weights yet. Throws LineError.
Network network_for(const Options& options, const Dataset& data);

// The same with the weights a training begins with: those the seed means, or of options.from, whose model
// must have the same layers but the last. Throws Error.
Network initial_network(const Options& options, const Dataset& data);

// What trainers train: the network, or where there are features, its last layer alone.
Network network_to_train(const Experiment& experiment);

// The experiment's model with the weights that one of its trainings came to.
Model model_with(const Experiment& experiment, const Network& trained);

// What a training came to. The weights themselves are in the last training's `network` only.
struct FoldResult {
  std::vector<Epoch> history;
  int kept_epoch = 0;
  Ending ending = Ending::finished;
  std::string problem;  // why it was cut short; empty if it was not
  std::vector<TrainingWarning> warnings;
  Answers answers;     // for the fold's test rows, by the weights kept, at temperature 1
  Answers validation;  // the same for its validation rows; of the only training
  Network network;     // of the last training: the weights kept
};

// A trainer before its first step. The experiment and the team must outlive it.
Trainer trainer_for(const Experiment& experiment, size_t training, ThreadTeam& team);

// Tests the weights kept on the training's test rows, once the trainer's own memory is free again. Throws
// Error when no epoch became whole.
FoldResult result_of(const Experiment& experiment, size_t training, Trainer&& trainer, ThreadTeam& team);

struct Seconds {
  double load = 0;
  double train = 0;  // optimisation steps only
  double evaluate = 0;
  double total = 0;
};

struct ExperimentResult {
  std::vector<FoldResult> trainings;    // in the experiment's order
  Model model;                          // of the last of them
  std::vector<Row> test_rows;           // the images tested, in the order of the folds
  Answers answers;                      // for them, calibrated
  Evaluation test;                      // of all folds together
  Calibration calibration;              // of those answers
  std::optional<Evaluation> true_test;  // the same answers against the true labels, where those are known
  std::optional<LabelErrors> labels;    // what the answers say of the labels, with more than one fold
  Seconds seconds;

  const FoldResult& last() const { return trainings.back(); }
  std::string problem(const Experiment& experiment) const;  // those of all trainings, each named; or empty
};

// What the trainings warned of, each trouble once, with the name of the first that had it and how many did.
std::vector<std::string> training_warnings(const Experiment& experiment, const ExperimentResult& result);

// Pools the tests of all folds. Tells of new hands only if no hand was tested that its fold had trained on.
ExperimentResult conclude(const Experiment& experiment, std::vector<FoldResult> trainings);

// What run_experiment tells; any may be empty. `done` are the trainings that are over.
struct ExperimentEvents {
  using Going = std::function<void(const std::vector<FoldResult>& done, const Trainer& now)>;
  std::function<void(size_t training, const Epoch&)> epoch;
  std::function<void(size_t training, const TrainingWarning&)> warning;
  // Behind `epoch`, of every epoch, and before the first one: options.run.keep_epochs asks for some of them
  // (kept_epochs.h).
  std::function<void(size_t training, const Trainer& now)> state;
  Going step;     // after every step
  Going stopped;  // a stop was requested: nothing more is done
};

// Where an experiment is gone on with.
struct Resumption {
  std::vector<FoldResult> done;
  Safetensors trainer;  // the state of the one going on
  std::string where;    // it came from, for messages
};

// All trainings one after the other; nothing when a stop was requested. Same bits as trained apart.
std::optional<ExperimentResult> run_experiment(const Experiment& experiment, ThreadTeam& team,
                                               const ExperimentEvents& events = {},
                                               const std::stop_token& stop = {},
                                               const Resumption* resumption = nullptr);

// A trained model tested on labelled images.
struct ModelTest {
  Model model;
  Dataset data;
  std::string data_text;
  Answers answers;  // for every image
  Evaluation evaluation;
  Calibration calibration = {};
  std::optional<Evaluation> true_evaluation;  // against the true labels, where those are known
  Seconds seconds;
  int threads = 1;                             // that answered: the answers do not depend on them
  std::optional<int64_t> trained_images = {};  // of the data that the model was trained on, if that is known
};

// Tests a model on the data that the options name. Throws Error.
ModelTest test_model(Model model, const DataOptions& options, uint64_t seed, const RunOptions& run,
                     const Progress& progress = {});

}  // namespace mudra
