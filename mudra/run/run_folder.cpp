#include "mudra/run/run_folder.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/experiment/predictions.h"
#include "mudra/run/checkpoint.h"
#include "mudra/training/state.h"

namespace mudra {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const fs::path& folder, const std::error_code& error, const std::string& option) {
  throw Error("cannot make the run's folder: " + error.message(), folder.string(),
              "Choose another with " + option + ", or free the name");
}

// {"train", "held_out"} and, where there is such a part, "validation"; null where there is none.
Json parts(double train, double validation, double held_out) {
  Json json = {{"train", train}, {"held_out", held_out}};
  if (!std::isnan(validation)) json["validation"] = validation;
  return json;
}

std::string metrics_line(const std::string& fold, const Epoch& epoch) {
  return Json{{"fold", fold},
              {"epoch", epoch.number},
              {"learning_rate", epoch.rate},
              {"loss", parts(epoch.loss_train, epoch.loss_validation, epoch.loss_held_out)},
              {"accuracy", parts(epoch.accuracy_train, epoch.accuracy_validation, epoch.accuracy_held_out)}}
             .dump() +
         "\n";
}

// Leaves of metrics.jsonl what a checkpoint knows of.
void cut_back(const fs::path& file, const std::string& known) {
  std::error_code missing;
  const uintmax_t size = fs::file_size(file, missing);
  if (!missing && size >= known.size() && read_file(file).starts_with(known)) {
    fs::resize_file(file, known.size());
  } else {
    write_file_atomically(file, known);
  }
}

}  // namespace

fs::path make_run_folder(const std::string& out, const std::string& name, const std::string& option) {
  std::error_code error;
  if (!out.empty()) {
    fs::create_directories(out, error);
    if (error) refuse(out, error, option);
    if (fs::exists(fs::path(out) / "model.safetensors")) {
      throw Error("already holds a model", out,
                  "Choose another folder with " + option + ", or remove this one");
    }
    if (fs::exists(fs::path(out) / "checkpoint.safetensors")) {
      throw Error("holds a run that was stopped", out,
                  "Go on with it by --resume " + out + ", choose another folder with " + option +
                      ", or remove this one");
    }
    // Fail now rather than after training.
    const fs::path probe = fs::path(out) / ".writable";
    write_file_atomically(probe, "");
    fs::remove(probe, error);
    return out;
  }
  fs::create_directories("runs", error);
  if (error) refuse("runs", error, option);
  for (int number = 1;; ++number) {
    fs::path folder = fs::path("runs") / (name + "-" + std::to_string(number));
    if (fs::create_directory(folder, error)) return folder;  // one of two processes wins
    if (error) refuse(folder, error, option);
  }
}

RunFolder::RunFolder(const Experiment& experiment, fs::path folder)
    : experiment_(experiment),
      folder_(std::move(folder)),
      identity_(identity_of(experiment)),
      wait_(experiment.options.run.checkpoint) {}

void RunFolder::begin() {
  write_file_atomically(folder_ / "metrics.jsonl", "");  // a run killed here before may have left lines
  write_file_atomically(folder_ / "options.toml", to_toml(experiment_.options));
  write_split(experiment_.split, experiment_.data.size(), folder_ / "split.json");
}

std::optional<Resumption> RunFolder::resume() {
  std::optional<Resumption> found;
  if (fs::exists(checkpoint_path(folder_))) found = load_checkpoint(folder_, identity_);
  std::string known;
  for (size_t i = 0; found && i < found->done.size(); ++i) {
    for (const Epoch& epoch : found->done[i].history)
      known += metrics_line(experiment_.training(i).name, epoch);
  }
  if (found && found->done.size() < experiment_.trainings()) {
    for (const Epoch& epoch : history_of(found->trainer, found->where))
      known += metrics_line(experiment_.training(found->done.size()).name, epoch);
  }
  cut_back(folder_ / "metrics.jsonl", known);
  return found;
}

void RunFolder::add_epoch(size_t training, const Epoch& epoch) {
  std::ofstream file(folder_ / "metrics.jsonl", std::ios::app);
  file << metrics_line(experiment_.training(training).name, epoch) << std::flush;
  if (!file) {
    throw Error("training stops: cannot write: " + std::string(std::strerror(errno)),
                (folder_ / "metrics.jsonl").string(), how_to_go_on());
  }
}

// --checkpoint seconds apart, but never more than a twentieth of the time.
void RunFolder::save_if_due(const std::vector<FoldResult>& done, const Trainer& now) {
  if (since_.seconds() < wait_) return;
  const Stopwatch cost;
  save(done, now);
  const double seconds = experiment_.options.run.checkpoint;
  wait_ = seconds > 0 ? std::max(seconds, 20 * cost.seconds()) : 0;
  since_ = Stopwatch();
}

void RunFolder::save(const std::vector<FoldResult>& done, const Trainer& now) {
  guarded([&] { save_checkpoint(identity_, done, now, folder_); });
}

void RunFolder::finish(const ExperimentResult& result) {
  guarded([&] {
    write_predictions(experiment_.data, result.test_rows, experiment_.split.folds, result.answers,
                      folder_ / "predictions.csv");
    save_model(result.model, folder_ / "model.safetensors");
  });
  remove_checkpoint(folder_);
}

// What cannot be written ends the run, which can be gone on with.
void RunFolder::guarded(const std::function<void()>& work) const {
  try {
    work();
  } catch (const Error& error) {
    throw Error(std::string("training stops: ") + error.what(), folder_.string(), how_to_go_on());
  }
}

std::string RunFolder::how_to_go_on() const {
  return "Go on with `mudra train --resume " + folder_.string() + "`";
}

}  // namespace mudra
