// mudra runs [FOLDER...]: what was trained, and how well.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/error.h"
#include "mudra/experiment/load_data.h"
#include "mudra/run/found_runs.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

struct RunsArguments {
  std::vector<fs::path> folders;
  std::string sort = "when";
  bool json = false;
};

using Cells = std::vector<std::string>;

constexpr size_t longest_cell = 24;  // of names of data, splits and networks

// "right" and the text behind it take the place of numbers for a run that has none.
Cells cells_of(const FoundRun& run) {
  const std::time_t when =
      std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(
          std::chrono::file_clock::to_sys(run.when)));
  Cells cells = {clean(run.folder.string()), fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(when))};
  if (run.options) {
    const Options& options = *run.options;
    const fs::path data = options.data.source.empty() ? std::string(default_data) : options.data.source;
    cells.push_back(
        shorten((data.has_filename() ? data : data.parent_path()).filename().string(), longest_cell));
    cells.push_back(shorten(options.split, longest_cell));
    cells.push_back(shorten(options.network, longest_cell));
  } else {
    cells.insert(cells.end(), 3, "");
  }
  if (!run.result) {
    cells.push_back(run.state == RunState::damaged ? "damaged: " + clean(run.problem)
                    : run.state == RunState::stopped
                        ? "stopped: go on with `mudra train --resume " + clean(run.folder.string()) + "`"
                        : "going on");
    return cells;
  }
  const RunResult& found = *run.result;
  const auto range = [](const Interval& interval) {
    return fmt::format("{:.1f} to {:.1f}%", 100 * interval.low, 100 * interval.high);
  };
  cells.push_back(thousands(found.n));
  cells.push_back(percent(found.accuracy));
  cells.push_back(range(found.interval));
  cells.push_back(found.new_hands ? range(found.new_hands_interval) : "");
  cells.push_back(found.kept_epoch ? std::to_string(*found.kept_epoch) : "");
  cells.push_back(found.seconds ? fmt::format("{:.1f}", *found.seconds) : "");
  return cells;
}

void print_table(const std::vector<FoundRun>& runs) {
  constexpr size_t first_number = 5;  // numbers stand to the right of their columns
  std::vector<Cells> table = {{"run", "when", "data", "split", "network", "images", "right", "95% interval",
                               "new hands", "epoch", "seconds"}};
  for (const FoundRun& run : runs) table.push_back(cells_of(run));
  std::array<size_t, 11> widths{};
  for (const Cells& cells : table) {
    // A line that ends in words instead of numbers is as long as they are.
    const size_t columns = cells.size() == widths.size() ? widths.size() : first_number;
    for (size_t c = 0; c < columns; ++c) widths[c] = std::max(widths[c], columns_of(cells[c]));
  }
  for (const Cells& cells : table) {
    std::string line;
    for (size_t c = 0; c < cells.size(); ++c) {
      const bool is_name = c < first_number || cells.size() < widths.size();
      line += c > 0 ? "  " : "";
      line +=
          is_name ? fmt::format("{:<{}}", cells[c], widths[c]) : fmt::format("{:>{}}", cells[c], widths[c]);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    say("{}\n", line);
  }
}

}  // namespace

void runs_command(CLI::App& app) {
  auto a = std::make_shared<RunsArguments>();
  app.add_option("FOLDER", a->folders, "Folders of runs, looked through with all below them (default: runs)");
  app.add_option("--sort", a->sort, "when: the newest first; accuracy: the best first")
      ->capture_default_str();
  app.add_flag("--json", a->json, "Print the runs as one JSON document, with the options each changed");
  app.footer("Examples:\n  mudra runs\n  mudra runs sweep/ --sort accuracy");
  app.callback([a] {
    if (a->sort != "when" && a->sort != "accuracy")
      throw usage_error("'" + a->sort + "' is not possible", "--sort", "Give when or accuracy");
    std::vector<FoundRun> runs;
    if (!a->folders.empty()) {
      runs = find_runs(a->folders);
    } else if (fs::exists("runs")) {
      runs = find_runs({"runs"});
    }
    if (a->sort == "accuracy") {
      std::ranges::stable_sort(runs, std::greater{},
                               [](const FoundRun& run) { return run.result ? run.result->accuracy : -1; });
    }
    if (a->json) {
      nlohmann::json list = nlohmann::json::array();
      for (const FoundRun& run : runs) list.push_back(to_json(run));
      return print_json({{"runs", std::move(list)}});
    }
    if (runs.empty()) return say(stderr, "no run is here: `mudra train DATA` makes one in the folder runs\n");
    print_table(runs);
  });
}

}  // namespace mudra
