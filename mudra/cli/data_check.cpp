// mudra data check DATA: which labels may be wrong.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/epoch_progress.h"
#include "mudra/cli/output.h"
#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/data/contact_sheet.h"
#include "mudra/data/image_file.h"
#include "mudra/experiment/check_labels.h"
#include "mudra/experiment/choices.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

constexpr size_t most_drawn = 300;  // on the sheet
constexpr size_t longest_name = 40;

struct CheckArguments {
  std::map<std::string, std::string> given;
  std::string out;
  bool json = false;
  bool quiet = false;
};

LabelCheck run_check(const CheckArguments& a) {
  Options options = make_options({}, a.given);
  ThreadTeam loading(threads_allowed(options.run));
  Experiment experiment = [&] {
    LoadedData loaded = load_to_check(options, loading, show_progress("reading", a.quiet));
    std::vector<Extra> extra = load_extra(options, loaded.data, loading, show_progress("reading", a.quiet));
    return prepare_check(std::move(loaded), options, std::move(extra));
  }();
  if (!a.quiet) describe_experiment(experiment);
  const auto images = static_cast<int64_t>(experiment.training(0).train.size());
  ThreadTeam team(worthwhile_threads(experiment.initial.network,
                                     std::min<int64_t>(options.training.batch_size, images),
                                     threads_allowed(options.run)));
  EpochProgress progress(a.quiet);
  ExperimentEvents events;
  events.epoch = [&](size_t training, const Epoch& epoch) { progress(experiment, training, epoch); };
  events.warning = [&](size_t training, const TrainingWarning& warning) {
    progress.warn(experiment, training, warning);
  };
  std::optional<LabelCheck> check = check_labels(experiment, team, events, interrupts());
  if (!check) throw Error("stopped", "checking labels", "Nothing is left half done");
  return *std::move(check);
}

std::vector<Correction> corrections_of(const LabelCheck& check) {
  std::vector<Correction> corrections;
  for (const LabelSuspect& suspect : check.errors.suspects)
    corrections.push_back({suspect.row, suspect.suggestion, suspect.confidence});
  return corrections;
}

// suspects.png and corrections.csv
void write_files(const LabelCheck& check, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error("cannot make the folder: " + error.message(), folder.string(), "Choose another with --out");
  const Dataset& data = check.experiment.data;
  const std::vector<Correction> corrections = corrections_of(check);
  const auto drawn = std::span(corrections).first(std::min(corrections.size(), most_drawn));
  write_file_atomically(folder / "suspects.png", encode_png(correction_sheet(data, drawn)));
  write_corrections(data, corrections, folder / "corrections.csv");
}

// One row of texts for each suspect printed, under their names.
void print_suspects(const LabelCheck& check) {
  const Dataset& data = check.experiment.data;
  const std::vector<LabelSuspect>& suspects = check.errors.suspects;
  const size_t shown = std::min(suspects.size(), most_listed_suspects);
  std::vector<std::vector<std::string>> table{{"row", "file", "group", "label", "suggestion", "confidence"}};
  for (const LabelSuspect& suspect : std::span(suspects).first(shown)) {
    const Row row = suspect.row;
    const auto class_name = [&](int32_t c) {
      return display_name(data.classes[static_cast<size_t>(c)], longest_name);
    };
    table.push_back(
        {std::to_string(data.source_row(row)),
         data.files.empty() ? "" : shorten(data.files[row], longest_name),
         data.groups.empty() ? ""
                             : shorten(data.group_names[static_cast<size_t>(data.groups[row])], longest_name),
         class_name(data.labels[row]), class_name(suspect.suggestion), percent(suspect.confidence)});
  }
  for (size_t column = 0; column < table[0].size(); ++column) {
    const bool is_known =
        std::any_of(table.begin() + 1, table.end(), [&](const auto& row) { return !row[column].empty(); });
    size_t width = 0;
    for (auto& row : table) width = std::max(width, fmt::formatted_size("{}", clean(row[column])));
    for (auto& row : table)
      row[column] = is_known ? fmt::format("{:<{}}", clean(row[column]), width + 2) : std::string();
  }
  for (const auto& row : table) {
    std::string line = fmt::format("{}", fmt::join(row, ""));
    line.resize(line.find_last_not_of(' ') + 1);
    say("{}\n", line);
  }
  if (shown < suspects.size()) {
    fmt::print("and {} more\n", thousands(static_cast<int64_t>(suspects.size() - shown)));
  }
}

void print_check(const LabelCheck& check, const std::string& out) {
  const LabelErrors& errors = check.errors;
  const auto count = static_cast<int64_t>(errors.suspects.size());
  const Evaluation& test = check.result.test;
  fmt::print("checked   {} images, each by a network that has not seen it: {} are answered as labelled\n",
             thousands(errors.judged), percent(test.accuracy));
  fmt::print("suspects  {}{}\n", count == 0 ? "none" : thousands(count),
             count == 0 ? "" : fmt::format("; about {:.0f} labels are wrong", errors.estimated));
  if (count > 0) {
    fmt::print("\n");
    print_suspects(check);
    fmt::print("\n");
  }
  print_warnings(check.warnings);
  if (out.empty()) {
    if (count > 0) fmt::print("Look at them with --out FOLDER, which writes pictures and corrections.csv.\n");
    return;
  }
  say("sheet     {}\n", (fs::path(out) / "suspects.png").string());
  say("edit      {}: lines that stay are applied by --corrections\n",
      (fs::path(out) / "corrections.csv").string());
}

nlohmann::json document(const LabelCheck& check) {
  const Dataset& data = check.experiment.data;
  return {{"images", data.size()},
          {"suspects", to_json(data, check.errors.suspects)},
          {"judged", check.errors.judged},
          {"estimated_errors", check.errors.estimated},
          {"split", check.experiment.split.description},
          {"test", to_json(check.result.test)},
          {"warnings", check.warnings}};
}

}  // namespace

void check_command(CLI::App& app) {
  const auto a = std::make_shared<CheckArguments>();
  app.add_option("DATA", a->given["data"],
                 "Labelled images: .npz, .npy, .csv, IDX, a folder or synth:N[:DOMAIN]")
      ->required();
  add_options(app, a->given, {}, {"checkpoint", "keep-epochs"});
  app.add_option("--out", a->out, "Folder for suspects.png and corrections.csv, to look at and to edit");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.add_flag("--quiet", a->quiet, "No progress");
  app.callback([a] {
    const LabelCheck check = run_check(*a);
    if (!a->out.empty()) write_files(check, a->out);
    if (a->json) return print_json(document(check));
    print_check(check, a->out);
  });
}

}  // namespace mudra
