#include "mudra/run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/hash.h"
#include "mudra/core/number.h"
#include "mudra/experiment/kept_epochs.h"
#include "mudra/experiment/predictions.h"
#include "mudra/run/trained_images.h"
#include "mudra/training/state.h"

namespace mudra {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse(const fs::path& folder, const std::error_code& error, const std::string& option) {
  throw Error("cannot make the run's folder: " + error.message(), folder.string(),
              option.empty() ? "" : "Choose another with " + option + ", or free the name");
}

// {"train", "held_out"} and, where there is such a part, "validation"; null where there is none.
nlohmann::json parts(double train, double validation, double held_out) {
  nlohmann::json json = {{"train", train}, {"held_out", held_out}};
  if (!std::isnan(validation)) json["validation"] = validation;
  return json;
}

std::string metrics_line(const std::string& fold, const Epoch& epoch) {
  return nlohmann::json{
             {"fold", fold},
             {"epoch", epoch.number},
             {"learning_rate", epoch.rate},
             {"loss", parts(epoch.loss_train, epoch.loss_validation, epoch.loss_held_out)},
             {"accuracy", parts(epoch.accuracy_train, epoch.accuracy_validation, epoch.accuracy_held_out)}}
             .dump() +
         "\n";
}

constexpr const char* format = "mudra checkpoint 5";

std::string fold_name(size_t fold) { return "fold." + std::to_string(fold); }

// A hash of all that an experiment's result depends on: options (but for those of the run), split, every
// pixel and what is known of the images, to the bit.
std::string identity_of(const Experiment& experiment) {
  const Dataset &data = experiment.data, &learned = experiment.training_data();
  Options same = experiment.options;
  same.run = {};
  Hash128 hash;
  hash.add(to_toml(same));
  split_text(experiment.split, data.size(), [&](std::string_view text) { hash.add(text); });
  const auto add_names = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) hash.add(name + '\0');
    hash.add("\n");
  };
  add_names(data.classes);
  add_names(data.group_names);
  hash.add_values(learned.labels);
  hash.add_values(data.true_labels);
  for (const auto* numbers : {&data.groups, &data.photographs}) {
    hash.add(std::to_string(numbers->size()) + ' ');
    hash.add_values(*numbers);
  }
  for (const Column& column : data.columns) {
    add_names(column.values);
    hash.add_values(column.of);
  }
  hash.add(std::to_string(data.example_weights.size()) + ' ');
  hash.add_values(data.example_weights);
  hash.add(data.pixels.shape().text() + (data.pixels.is_bytes() ? " bytes" : " floats"));
  learned.pixels.add_to(hash);
  if (experiment.features) experiment.features->data.pixels.add_to(hash);  // the frozen weights among them
  add_targets(learned.targets.get(), learned.size(), hash);
  return hash.text();
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

// Throws Error when the file is damaged or of another identity, or tells of trainings what cannot be. Whether
// the trainer's state fits is seen when it is restored.
Resumption load_checkpoint(const fs::path& folder, const std::string& identity,
                           const Experiment& experiment) {
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
                "Use the version of mudra that wrote it, or remove it to train from the start");
  }
  if (text("identity") != identity) {
    throw Error(
        "belongs to other data or options", where,
        "Bring back the images and options.toml it was made with, or remove it to train from the start");
  }
  const auto check = [&](bool is_possible, const std::string& what) {
    if (!is_possible) throw Error("has impossible " + what, where, "Remove it to train from the start");
  };
  const auto check_history = [&](const std::vector<Epoch>& history, const std::string& of) {
    check(history.size() <= static_cast<size_t>(experiment.options.training.epochs), "epochs of " + of);
  };
  const auto classes = static_cast<int64_t>(experiment.data.classes.size());
  const auto folds = parse_number<size_t>(text("folds"));
  check(folds && *folds < experiment.trainings(), "folds");
  for (size_t f = 0; f < *folds; ++f) {
    const std::string name = fold_name(f);
    FoldResult fold;
    fold.history = history_from(text(name), where);
    check_history(fold.history, name);
    fold.warnings =
        watch(fold.history, facts_of(experiment.data, experiment.training(f), experiment.options.training));
    fold.kept_epoch = parse_number<int>(text(name + ".kept")).value_or(0);
    check(fold.kept_epoch >= 1 && static_cast<size_t>(fold.kept_epoch) <= fold.history.size(),
          name + ".kept");
    const auto ending = value_named<Ending>(text(name + ".ending"));
    check(ending.has_value(), name + ".ending");
    fold.ending = *ending;
    fold.problem = text(name + ".problem");
    const auto images = static_cast<int64_t>(experiment.training(f).test.size());
    const NamedArray* array = content.find(name);
    check(array && array->shape == std::vector<int64_t>{1 + classes, images}, "answers of " + name);
    const auto labels_end = array->values.begin() + images;
    check(std::all_of(array->values.begin(), labels_end,
                      [&](float label) {
                        return label >= 0 && label < static_cast<float>(classes) &&
                               label == std::floor(label);
                      }),
          "classes in " + name);
    fold.answers = {classes, {array->values.begin(), labels_end}, {labels_end, array->values.end()}};
    found.done.push_back(std::move(fold));
  }
  check_history(history_of(content, where), "the training going on");
  return found;
}

// Leaves of metrics.jsonl what a checkpoint knows of; in place, for those who follow the file.
void cut_back(const fs::path& file, const std::string& known) {
  std::error_code error;
  const uintmax_t size = fs::file_size(file, error);
  if (error || size < known.size() || !read_file(file).starts_with(known))
    return write_file_atomically(file, known);
  fs::resize_file(file, known.size(), error);
  if (error) throw Error("cannot write: " + error.message(), file.string());
}

fs::path lock_path(const fs::path& folder) { return folder / "mudra.lock"; }
fs::path model_path(const fs::path& folder) { return folder / "model.safetensors"; }

}  // namespace

RunLock::RunLock(fs::path folder, const std::string& option, std::string_view what)
    : folder_(std::move(folder)) {
  const fs::path path = lock_path(folder_);
  for (;;) {
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (made < 0) refuse(folder_, std::error_code(errno, std::generic_category()), option);
    const auto is_taken = [&] { return ::flock(made, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; };
    if (is_taken() && (::usleep(20'000), is_taken())) {  // state_of_run() holds it for a moment
      char process[32] = {};
      const bool is_known = ::pread(made, process, sizeof process - 1, 0) > 0;
      ::close(made);
      throw Error(
          std::string(what) + (is_known ? ", of process " + std::string(process) : ""), folder_.string(),
          "Wait for it or stop it" + (option.empty() ? "" : ", or choose another folder with " + option));
    }
    // Who had the lock before may have removed the file.
    struct stat locked {
    }, named{};
    if (::fstat(made, &locked) == 0 && ::stat(path.c_str(), &named) == 0 && locked.st_ino == named.st_ino) {
      descriptor_ = made;
      was_there_ = stays_ = locked.st_size > 0;  // one that was just made is empty
      break;
    }
    ::close(made);
  }
  const std::string process = std::to_string(::getpid());
  // In this order a full disk leaves what another process wrote.
  if (::pwrite(descriptor_, process.data(), process.size(), 0) < 0 ||
      ::ftruncate(descriptor_, static_cast<off_t>(process.size())) != 0) {
    const std::error_code error(errno, std::generic_category());
    const RunLock gone(std::move(*this));
    refuse(gone.folder(), error, option);
  }
}

RunLock::RunLock(RunLock&& other) noexcept
    : folder_(std::move(other.folder_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      was_there_(other.was_there_),
      stays_(other.stays_) {}

RunLock::~RunLock() {
  if (descriptor_ < 0) return;
  if (!stays_) ::unlink(lock_path(folder_).c_str());
  ::close(descriptor_);
}

bool RunLock::is_of_run_that_is_over() const { return !was_there_ && fs::exists(model_path(folder_)); }

RunState state_of_run(const fs::path& folder) {
  std::error_code none;
  const bool was_cut_short = fs::file_size(lock_path(folder), none) > 0 && !none;
  if (was_cut_short) {
    const int found = ::open(lock_path(folder).c_str(), O_RDONLY | O_CLOEXEC);
    const bool is_held = found >= 0 && ::flock(found, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (found >= 0) ::close(found);
    if (is_held) return RunState::going_on;
  }
  return !was_cut_short && fs::exists(model_path(folder)) ? RunState::over : RunState::stopped;
}

RunLock make_run_folder(const std::string& out, const std::string& name, const std::string& option) {
  std::error_code error;
  if (!out.empty()) {
    fs::create_directories(out, error);
    if (error) refuse(out, error, option);
    RunLock lock(out, option);
    if (lock.is_of_run_that_is_over()) {
      throw Error("already holds a model", out,
                  "Choose another folder with " + option + ", or remove this one");
    }
    if (fs::exists(checkpoint_path(out)) || fs::exists(model_path(out))) {
      throw Error("holds a run that was stopped", out,
                  "Go on with it by --resume " + out + ", choose another folder with " + option +
                      ", or remove this one");
    }
    return lock;
  }
  fs::create_directories("runs", error);
  if (error) refuse("runs", error, option);
  for (int number = 1;; ++number) {
    fs::path folder = fs::path("runs") / (name + "-" + std::to_string(number));
    if (fs::create_directory(folder, error)) return {folder, option};  // one of two processes wins
    if (error) refuse(folder, error, option);
  }
}

RunFolder::RunFolder(const Experiment& experiment, RunLock lock)
    : experiment_(experiment),
      lock_(std::move(lock)),
      folder_(lock_.folder()),
      identity_(identity_of(experiment)),
      wait_(experiment.options.run.checkpoint) {}

void RunFolder::begin() {
  // A run killed here before may have left lines and epochs.
  write_file_atomically(folder_ / "metrics.jsonl", "");
  remove_kept_epochs(folder_);
  write_file_atomically(folder_ / "options.toml", to_toml(experiment_.options));
  write_split(experiment_.split, experiment_.data.size(), folder_ / "split.json");
}

std::optional<Resumption> RunFolder::resume() {
  std::optional<Resumption> found;
  if (fs::exists(checkpoint_path(folder_))) found = load_checkpoint(folder_, identity_, experiment_);
  std::string known;
  for (size_t i = 0; found && i < found->done.size(); ++i) {
    for (const Epoch& epoch : found->done[i].history)
      known += metrics_line(experiment_.training(i).name, epoch);
  }
  if (found) {
    for (const Epoch& epoch : history_of(found->trainer, found->where))
      known += metrics_line(experiment_.training(found->done.size()).name, epoch);
  }
  cut_back(folder_ / "metrics.jsonl", known);
  if (!found) remove_kept_epochs(folder_);  // those behind a checkpoint are written again, as they were
  return found;
}

void RunFolder::add_epoch(size_t training, const Epoch& epoch) {
  guarded("training stops: ", [&] {
    append_to_file(folder_ / "metrics.jsonl", metrics_line(experiment_.training(training).name, epoch));
  });
}

void RunFolder::keep_if_asked(size_t training, const Trainer& now, ThreadTeam& team) {
  if (!is_epoch_kept(experiment_, training, now)) return;
  const KeptEpoch kept = keep_epoch(experiment_, now, team);
  guarded("training stops: ", [&] { write_kept_epoch(experiment_, kept, folder_); });
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
  guarded("training stops: ", [&] { save_checkpoint(identity_, done, now, folder_); });
}

void RunFolder::finish(const ExperimentResult& result, const std::string& document,
                       const std::function<void()>& ending) {
  const fs::path predictions = folder_ / "predictions.csv", told = folder_ / "result.json";
  const fs::path model = model_path(folder_);
  guarded("training stops: ", [&] {
    write_predictions(experiment_.data, result.test_rows, experiment_.split.folds, result.answers,
                      predictions);
    write_trained_images(experiment_, folder_);
    write_file_atomically(told, document);
    lock_.keep();  // there is a model now, but the run is not over
    save_model(result.model, model);
  });
  guarded("the model is there, but no more: ", ending);
  std::error_code ignored;
  fs::remove(checkpoint_path(folder_), ignored);
  for (const fs::path& file : {checkpoint_path(folder_), predictions, told, model}) remove_temporaries(file);
  lock_.done();
}

// What cannot be written ends the run, which can be gone on with.
void RunFolder::guarded(std::string_view what, const std::function<void()>& work) const {
  try {
    work();
  } catch (const Error& error) {
    throw Error(std::string(what) + error.what(), folder_.string(), how_to_go_on());
  }
}

std::string RunFolder::how_to_go_on() const {
  return "Go on with `mudra train --resume " + folder_.string() + "`";
}

}  // namespace mudra
