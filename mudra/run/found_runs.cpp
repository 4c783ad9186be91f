#include "mudra/run/found_runs.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/experiment/load_data.h"
#include "mudra/experiment/predictions.h"
#include "mudra/run/run_folder.h"

namespace mudra {
namespace fs = std::filesystem;
namespace {

Interval interval_of(const nlohmann::json& pair) {
  return {pair.at(0).get<double>(), pair.at(1).get<double>(), {}, {}, 0};
}

// Of result.json, or of a run that has none, its predictions. Throws Error when both are missing or damaged.
RunResult result_of(const fs::path& folder, const std::optional<Options>& options) {
  const fs::path file = folder / "result.json";
  RunResult result;
  if (!fs::exists(file)) {
    const Evaluation test =
        evaluate(read_predictions(folder / "predictions.csv"), options ? options->seed : 1);
    result.n = test.n;
    result.accuracy = test.accuracy;
    result.interval = test.interval;
    return result;
  }
  try {
    const nlohmann::json json = nlohmann::json::parse(read_file(file));
    const nlohmann::json& test = json.at("test");
    result.n = test.at("n").get<int64_t>();
    result.accuracy = test.at("accuracy").get<double>();
    result.interval = interval_of(test.at("interval"));
    if (const nlohmann::json& fresh = test.at("new_group"); !fresh.is_null()) {
      result.new_hands = fresh.at("accuracy").get<double>();
      result.new_hands_interval = interval_of(fresh.at("interval"));
    }
    result.kept_epoch = json.at("kept_epoch").get<int64_t>();
    result.seconds = json.at("seconds").at("total").get<double>();
  } catch (const nlohmann::json::exception&) {
    throw Error("is damaged", file.string());
  }
  return result;
}

fs::file_time_type last_change(const fs::path& folder) {
  for (const char* name : {"model.safetensors", "checkpoint.safetensors", "metrics.jsonl", "options.toml"}) {
    std::error_code error;
    if (const auto time = fs::last_write_time(folder / name, error); !error) return time;
  }
  return {};
}

FoundRun read_run(const fs::path& folder) {
  FoundRun run{folder, last_change(folder), RunState::damaged, {}, {}, {}};
  try {
    run.options = make_options(folder / "options.toml", {});
    run.state = state_of_run(folder);
    if (run.state == RunState::over) run.result = result_of(folder, run.options);
  } catch (const Error& error) {
    run.state = RunState::damaged;
    run.problem = error.what();
  }
  return run;
}

bool is_run(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "options.toml", ignored);
}

}  // namespace

std::vector<fs::path> run_folders(const std::vector<fs::path>& folders) {
  std::vector<fs::path> runs;
  for (const fs::path& folder : folders) {
    if (!fs::is_directory(folder)) throw Error("is no folder", folder.string(), "Name a folder of runs");
    if (is_run(folder)) {
      runs.push_back(folder);
      continue;
    }
    std::error_code error, ignored;
    fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      if (at->is_symlink(ignored) || !at->is_directory(ignored) || !is_run(at->path())) continue;
      runs.push_back(at->path());
      at.disable_recursion_pending();
    }
    if (error) throw Error("cannot be looked through: " + error.message(), folder.string());
  }
  std::ranges::sort(runs);
  runs.erase(std::unique(runs.begin(), runs.end()), runs.end());
  return runs;
}

std::vector<FoundRun> find_runs(const std::vector<fs::path>& folders) {
  std::vector<FoundRun> runs;
  for (const fs::path& folder : run_folders(folders)) runs.push_back(read_run(folder));
  std::ranges::stable_sort(runs, std::greater{}, &FoundRun::when);
  return runs;
}

nlohmann::json to_json(const FoundRun& run) {
  const auto when =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::file_clock::to_sys(run.when));
  nlohmann::json changed = nlohmann::json::object(),
                 result = {{"n", nullptr},         {"accuracy", nullptr},   {"interval", nullptr},
                           {"new_group", nullptr}, {"kept_epoch", nullptr}, {"seconds", nullptr}};
  if (run.result) {
    const RunResult& found = *run.result;
    result["n"] = found.n;
    result["accuracy"] = found.accuracy;
    result["interval"] = {found.interval.low, found.interval.high};
    if (found.new_hands) {
      const Interval& interval = found.new_hands_interval;
      result["new_group"] = {{"accuracy", *found.new_hands}, {"interval", {interval.low, interval.high}}};
    }
    if (found.kept_epoch) result["kept_epoch"] = *found.kept_epoch;
    if (found.seconds) result["seconds"] = *found.seconds;
  }
  nlohmann::json json = {{"run", run.folder.string()},
                         {"state", name_of(run.state)},
                         {"when", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(when))},
                         {"problem", run.problem.empty() ? nlohmann::json() : nlohmann::json(run.problem)},
                         {"data", nullptr},
                         {"split", nullptr},
                         {"network", nullptr}};
  json.update(result);
  if (run.options) {
    json["data"] = run.options->data.source.empty() ? std::string(default_data) : run.options->data.source;
    json["split"] = run.options->split;
    json["network"] = run.options->network;
    const auto texts = option_texts(*run.options), defaults = option_texts({});
    for (size_t i = 0; i < texts.size(); ++i) {
      if (texts[i] != defaults[i]) changed[texts[i].first] = texts[i].second;
    }
  }
  json["changed"] = std::move(changed);
  return json;
}

}  // namespace mudra
