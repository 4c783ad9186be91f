// `mudra train`: from options to a folder with a model and honest numbers.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <string>

#include "mudra/core/progress.h"
#include "mudra/experiment/experiment.h"

namespace mudra {

struct Run {
  std::filesystem::path folder;
  Experiment experiment;
  ExperimentResult result;
  int threads = 1;  // that trained: the result does not depend on them
};

// What a run says while it runs; any may be empty.
struct RunEvents {
  Progress reading;                              // of the data
  std::function<void(const Experiment&)> ready;  // it is settled what will be trained
  std::function<void(const Experiment&, size_t training, const Epoch&)> epoch;
  std::function<void(const Experiment&, size_t training, const TrainingWarning&)> warning;
  // The model is written. What this does, such as a report, is part of the run: if it cannot, or is killed,
  // the run is not over and can be gone on with. It may take the result away.
  std::function<void(Run&)> ending;
  std::stop_token stop;
};

// Trains and evaluates, in a folder (run_folder.h says what it holds) that no other process then has. With
// more than one fold every fold is trained and tested, and the model kept is trained on all images. Throws
// Error; a run that is stopped throws Error too, and leaves a checkpoint and no model.
Run train_run(const Options& options, const std::string& out, const RunEvents& events);

// Goes on with a run that was stopped, killed or ran out of disk before it was over, from its checkpoint or
// else from the start: to the same bits as if nothing had happened. `given` may be `threads` and
// `checkpoint`.
Run resume_run(const std::filesystem::path& folder, const std::map<std::string, std::string>& given,
               const RunEvents& events);

// {run, model, predictions, trained_on: {images, validation, held_out_too, kept_epoch}, fold, epochs,
//  kept_epoch, ended, loss: {train, validation, held_out}, test: {...},
//  label_suspects: null or {count, rows: [{row, file, group, label, suggestion, confidence}]}, seconds:
//  {...}}
// `trained_on`: the images the model that was kept learned from, those that chose its epoch, and whether
// held-out images are among them. `label_suspects`: the first of the labels that may be wrong, with more than
// one fold. From `fold` to `loss`: of Experiment::shown_training(), its losses those of
// the epoch it kept, validation only if there is such a part.
//
// and `extra`: [{source, images, other_classes, of_held_out_groups, near_copies}] as Extra has them, and
// where true labels are known `true_labels`: the test against those.
nlohmann::json to_json(const Run& run);

}  // namespace mudra
