// The folder a run leaves behind, written while an experiment goes on:
//
//   mudra.lock                 while it goes on: the number of the process, which holds a lock on the file
//   options.toml, split.json   from the beginning
//   metrics.jsonl              a line for each epoch when it is over; lines are only ever added, but a run
//                              that is gone on with first cuts the file back to its checkpoint
//   epochs                     with --keep-epochs, while it trains: some epochs' weights and answers
//                              (kept_epochs.h)
//   checkpoint.safetensors     while it trains, every --checkpoint seconds; it stays until the run is over
//   predictions.csv            in the end: what was answered for every held-out image
//   trained_on.txt             then: hashes of the images the model was trained on
//   result.json                then: what `mudra train --json` prints but for warnings. Its test is that of
//                              predictions.csv, whose intervals take too long to draw again for a list of
//                              runs
//   model.safetensors          behind it
//   report.html, tables.md, tables.tex, figures   last, by the command
//
// A run is over when there is a model and no mudra.lock. Whatever ended it before, it can be gone on with.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mudra/core/named.h"
#include "mudra/core/stopwatch.h"
#include "mudra/experiment/experiment.h"

namespace mudra {

// A folder that no other process has while this object lives, nor after a process was killed.
class RunLock {
 public:
  // `option` chose the folder, or is empty. Throws Error, which names the process, when another has it; it
  // says `what` is going on.
  RunLock(std::filesystem::path folder, const std::string& option,
          std::string_view what = "a run is going on here");
  RunLock(RunLock&& other) noexcept;
  // Gives the folder up, and removes the file unless the run is one to go on with: it was there, or keep()
  // was called, and not done().
  ~RunLock();

  const std::filesystem::path& folder() const { return folder_; }
  // Whether there is a model and nobody was killed or failed before the run was over.
  bool is_of_run_that_is_over() const;
  void keep() { stays_ = true; }  // until done(): what follows must not be lost
  void done() { stays_ = false; }

 private:
  std::filesystem::path folder_;
  int descriptor_ = -1;
  bool was_there_ = false, stays_ = false;
};

enum class RunState { over, going_on, stopped, damaged };
template <>
struct Named<RunState> {
  static constexpr std::pair<RunState, std::string_view> values[] = {{RunState::over, "over"},
                                                                     {RunState::going_on, "going on"},
                                                                     {RunState::stopped, "stopped"},
                                                                     {RunState::damaged, "damaged"}};
};

// Of a folder that holds options.toml: whether a process has it, or it can be gone on with, or is over.
// Changes nothing. Whether its files are whole is for their readers to tell: never `damaged`.
RunState state_of_run(const std::filesystem::path& folder);

// Makes `out` (with parents), or if it is empty runs/NAME-1, runs/NAME-2, ...: the first that is free. Throws
// Error when it cannot be made, another process has it, or `out` already holds a model or a run that was
// stopped. `option` is the one that chose `out`.
RunLock make_run_folder(const std::string& out, const std::string& name, const std::string& option = "--out");

// Listens to an experiment and writes what is to be kept. Throws Error, which says how to go on, when it
// cannot. The experiment must outlive it. One thread at a time.
class RunFolder {
 public:
  RunFolder(const Experiment& experiment, RunLock lock);

  // Writes what a run that is cut short goes on from.
  void begin();
  // Where a run that was cut short goes on; nothing when it had no checkpoint yet. Cuts metrics.jsonl back.
  std::optional<Resumption> resume();

  void add_epoch(size_t training, const Epoch& epoch);
  // Keeps the training's state where --keep-epochs asks for it.
  void keep_if_asked(size_t training, const Trainer& now, ThreadTeam& team);
  void save_if_due(const std::vector<FoldResult>& done, const Trainer& now);
  void save(const std::vector<FoldResult>& done, const Trainer& now);
  // The predictions, `document` as result.json and the model, then what `ending` does: only then is the run
  // over.
  void finish(const ExperimentResult& result, const std::string& document,
              const std::function<void()>& ending);
  std::string how_to_go_on() const;  // "Go on with `mudra train --resume FOLDER`"

 private:
  void guarded(std::string_view what, const std::function<void()>& work) const;

  const Experiment& experiment_;
  RunLock lock_;
  std::filesystem::path folder_;
  std::string identity_;
  double wait_;  // seconds from the last checkpoint to the next
  Stopwatch since_;
};

}  // namespace mudra
