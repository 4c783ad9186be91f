// The runs there are, found by reading folders: what each is and how it came out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mudra/evaluation/interval.h"
#include "mudra/experiment/options.h"
#include "mudra/run/run_folder.h"

namespace mudra {

// How a run came out.
struct RunResult {
  int64_t n = 0;  // images tested
  double accuracy = 0;
  Interval interval;                  // its low and high, as evaluate() gives them
  std::optional<double> new_hands;    // what a new hand may expect, if the run tells
  Interval new_hands_interval;        // of that
  std::optional<int64_t> kept_epoch;  // of a run of an earlier version not known; nor its seconds
  std::optional<double> seconds;
};

struct FoundRun {
  std::filesystem::path folder;
  std::filesystem::file_time_type when;  // the model was written; before there is one, the last file that was
  RunState state = RunState::damaged;
  std::string problem;              // of a damaged run, in one sentence
  std::optional<Options> options;   // unless they are damaged
  std::optional<RunResult> result;  // of a run that is over
};

// The folders of all runs in the folders and in those below them, by name; folders that may not be read and
// links to folders are passed by. Throws Error when a folder is not there.
std::vector<std::filesystem::path> run_folders(const std::vector<std::filesystem::path>& folders);

// What they hold, the newest first. Nothing that a run holds makes this fail. Throws Error when a folder is
// not there.
std::vector<FoundRun> find_runs(const std::vector<std::filesystem::path>& folders);

// {run, state, when, problem, data, split, network, n, accuracy, interval: [low, high], new_group: null or
//  {accuracy, interval: [low, high]}, kept_epoch, seconds, changed: {name: text}}
// What is not known is null. `when` is UTC, as 2026-11-28T01:10:33Z; `changed` are the options that do not
// have their defaults.
nlohmann::json to_json(const FoundRun& run);

}  // namespace mudra
