// One training run, from options to a folder with a model and honest numbers.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mudra/data/dataset.h"
#include "mudra/data/split.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/evaluation/predict.h"
#include "mudra/network/model.h"
#include "mudra/training/options.h"
#include "mudra/training/trainer.h"

namespace mudra {

struct Seconds {
  double load = 0, train = 0, evaluate = 0, total = 0;  // train: optimisation steps only
};

struct Run {
  Options options;
  std::filesystem::path folder;
  Dataset data;
  std::string data_text;  // what was read and what of it is used
  Split split;
  Model model;
  Network initial;                            // before training
  std::vector<std::vector<Epoch>> histories;  // of each fold
  std::vector<int> kept_epochs;               // of each fold: whose weights were tested
  int kept_epoch = 0;                         // whose weights the model has
  Ending ending = Ending::finished;           // of the training the model comes from
  std::string trouble;                        // why a training was cut short; empty if none was
  Evaluation test;                            // of all folds together
  std::vector<Row> test_rows;                 // the images tested, in the order of the folds
  Answers answers;                            // for them
  int threads = 1;                            // that trained: the result does not depend on them
  Seconds seconds;
};

// What a run says while it runs, and whether it should stop; any may be empty.
struct RunEvents {
  std::function<Progress()> reading;                                 // asked once, before data are read
  std::function<void(const Run&)> ready;                             // data, split and network are known
  std::function<void(const Run&, size_t fold, const Epoch&)> epoch;  // after every epoch
  std::function<bool()> stop;                                        // asked after every step
};

// --threads, but no more than there are processors, which would only slow each other down; all for 0.
int threads_allowed(const Options& options);

// Trains and evaluates, in a folder that holds
//   options.toml, split.json                 from the beginning
//   checkpoint.safetensors                   while it trains, every --checkpoint seconds
//   metrics.jsonl, model.safetensors         in the end, the model last of all
// With more than one fold every fold is trained and tested, and the model kept is trained on all images.
// Throws Error; a run that events.stop ends throws Error too and leaves a checkpoint and no model.
Run train_run(const Options& options, const std::string& out, const RunEvents& events);

// Goes on with a run that was stopped, killed or ran out of disk, from its checkpoint or else from the start:
// to the same bits as if nothing had happened. `given` may be `threads` and `checkpoint`.
Run resume_run(const std::filesystem::path& folder, const std::map<std::string, std::string>& given,
               const RunEvents& events);

// {run, model, epochs, kept_epoch, ended, loss: {train, validation, held_out}, test: {...}, seconds: {...}}:
// losses are those of the epoch kept, validation only if there is such a part.
nlohmann::json to_json(const Run& run);

}  // namespace mudra
