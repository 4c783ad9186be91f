#include "mudra/run/run_folder.h"

#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/experiment/predictions.h"
#include "mudra/run/trained_images.h"
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

constexpr const char* format = "mudra checkpoint 3";

std::string fold_name(size_t fold) { return "fold." + std::to_string(fold); }

// A hash of what an experiment's result depends on: options (but for those of the run), split, labels, and a
// sample of the pixels.
std::string identity_of(const Experiment& experiment) {
  const Dataset& data = experiment.data;
  Options same = experiment.options;
  same.run = {};
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(state.get());
  const auto add = [&](std::string_view text) { XXH3_128bits_update(state.get(), text.data(), text.size()); };
  add(to_toml(same));
  split_text(experiment.split, data.size(), add);
  for (const std::string& name : data.classes) add(name + '\0');
  for (const int32_t label : data.labels) add(std::to_string(label) + ' ');
  for (const float weight : data.example_weights) add(std::to_string(weight) + ' ');
  std::vector<float> image(static_cast<size_t>(data.pixels.shape().per_example()));
  const int64_t stride = std::max<int64_t>(1, data.size() / 256);
  for (int64_t row = 0; row < data.size(); row += stride) {
    data.pixels.read(row, image.data());
    add({reinterpret_cast<const char*>(image.data()), image.size() * sizeof(float)});
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return std::to_string(hash.high64) + "-" + std::to_string(hash.low64);
}

fs::path checkpoint_path(const fs::path& folder) { return folder / "checkpoint.safetensors"; }

// The trainings that are over, and the state of the one going on. The file appears whole or not at all: a
// full disk leaves the one before. Throws Error.
void save_checkpoint(const std::string& identity, const std::vector<FoldResult>& done, const Trainer& now,
                     const fs::path& folder) {
  Safetensors content;
  content.metadata = {{"format", format}, {"identity", identity}, {"folds", std::to_string(done.size())}};
  for (size_t f = 0; f < done.size(); ++f) {
    const FoldResult& fold = done[f];
    content.metadata[fold_name(f)] = history_text(fold.history);
    content.metadata[fold_name(f) + ".kept"] = std::to_string(fold.kept_epoch);
    content.metadata[fold_name(f) + ".ending"] = name_of(fold.ending);
    content.metadata[fold_name(f) + ".problem"] = fold.problem;
    // Class numbers, then probabilities. A float holds 16 million classes.
    const auto images = static_cast<int64_t>(fold.answers.size());
    content.arrays.push_back({fold_name(f), {1 + fold.answers.classes, images}, {}});
    auto& values = content.arrays.back().values;
    values.assign(fold.answers.labels.begin(), fold.answers.labels.end());
    values.insert(values.end(), fold.answers.probabilities.begin(), fold.answers.probabilities.end());
  }
  now.put_state(content);
  write_file_atomically(checkpoint_path(folder), write_safetensors(content));
}

// With what kills in the middle of writing left behind.
void remove_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with("checkpoint.safetensors")) files.push_back(entry.path());
  }
  for (const auto& file : files) fs::remove(file, ignored);
}

// Throws Error when the file is damaged or of another identity. Whether the trainer's state fits is seen when
// it is restored.
Resumption load_checkpoint(const fs::path& folder, const std::string& identity) {
  const std::string where = checkpoint_path(folder).string();
  Resumption found{{}, read_safetensors(read_file(where), where), where};
  const Safetensors& content = found.trainer;
  const auto text = [&](const std::string& key) {
    const auto at = content.metadata.find(key);
    if (at == content.metadata.end())
      throw Error("lacks '" + key + "', so it is no checkpoint of ours", where,
                  "Remove it to train from the start");
    return at->second;
  };
  if (text("format") != format) {
    throw Error("has format '" + text("format") + "', not '" + format + "'", where,
                "Use the version of mudra that wrote it");
  }
  if (text("identity") != identity) {
    throw Error(
        "belongs to other data or options", where,
        "Bring back the images and options.toml it was made with, or remove it to train from the start");
  }
  for (size_t f = 0; f < parse_number<size_t>(text("folds")).value_or(0); ++f) {
    const NamedArray* array = content.find(fold_name(f));
    if (!array || array->shape.size() != 2 || array->shape[0] < 2)
      throw Error("lacks tensor " + fold_name(f), where, "Remove it to train from the start");
    const auto first = array->values.begin(), second = first + array->shape[1];
    found.done.push_back({history_from(text(fold_name(f))),
                          parse_number<int>(text(fold_name(f) + ".kept")).value_or(1),
                          value_named<Ending>(text(fold_name(f) + ".ending")).value_or(Ending::finished),
                          text(fold_name(f) + ".problem"),
                          {array->shape[0] - 1, {first, second}, {second, array->values.end()}},
                          {}});
  }
  return found;
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
    if (fs::exists(checkpoint_path(out))) {
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
    write_trained_images(experiment_, folder_);
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
