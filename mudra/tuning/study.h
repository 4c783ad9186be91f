// The trials of a search as a file, an SQLite database, which several processes may have at once. Whatever is
// written is whole: a process that is killed leaves its trial where it last waited, and another goes on with
// it.
//
//   plan(name, text)                           what is searched, and in what: two searches with the same plan
//   are one trial(search, number, draw, state, worker, problem) rung(search, trial, rung, epochs, score,
//   loss, seconds, place) weights(search, trial, fold, state)        of trials that may go on: the trainer's
//   state for each inner fold
//
// `search` counts the outer folds. Beside it NAME.workers, on which every process holds a lock as long as it
// lives.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mudra/tuning/halving.h"

struct sqlite3;

namespace mudra {

// What a process has taken on: to train a trial from where it waits up to a rung.
struct Work {
  int search = 0;
  Trial trial;
  size_t rung = 0;
  std::vector<std::string> weights;  // a state for each inner fold; empty: from the start
};

// One thread at a time. Every function throws Error when the file cannot be read or written, and has then
// changed nothing.
class Study {
 public:
  // Opens the file, or makes it. Throws a usage Error when it holds another search than `plan` (name: text),
  // and says in what they differ; an Error for a file of a newer version, or of anything else.
  Study(const std::filesystem::path& file, const std::map<std::string, std::string>& plan);
  ~Study();
  Study(const Study&) = delete;
  Study& operator=(const Study&) = delete;

  std::vector<Trial> trials(int search);  // in the order of their numbers

  // Takes on what `decide` says of the trials, or nothing. `draw` is asked for a new trial. No other process
  // comes between.
  using Decide = std::function<std::optional<NextStep>(std::span<const Trial>)>;
  using DrawNew = std::function<Draw(std::span<const Trial>, int number)>;
  std::optional<Work> take(int search, const Decide& decide, const DrawNew& draw);

  // It came to its rung. `weights`: a state for each inner fold, kept for those of the trials that `keeps` is
  // asked about and says so; none when it is complete.
  void put(const Work& work, const RungScore& score, bool is_complete,
           const std::vector<std::string>& weights,
           const std::function<bool(std::span<const Trial>, const Trial&)>& keeps);
  void fail(const Work& work, const std::string& problem);
  void give_back(const Work& work);  // it waits where it was

 private:
  class Statement;
  void run(const std::string& sql);
  int integer(const char* sql);  // the first value of its first row
  [[noreturn]] void fail_with(int status);
  void in_transaction(const std::function<void()>& work);
  void open_plan(const std::map<std::string, std::string>& plan);
  void enroll();
  void release_dead();
  void set_state(int search, int trial, TrialState state, const std::string& problem);

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_;
  struct Locks {
    ~Locks();
    int descriptor = -1;
  };
  Locks workers_;   // the file of locks
  int worker_ = 0;  // the place in it that this process holds
};

}  // namespace mudra
