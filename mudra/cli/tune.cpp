// mudra tune [DATA]: better options, found honestly, in whatever time there is.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/experiment/choices.h"
#include "mudra/report/tuning_report.h"
#include "mudra/run/run_folder.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

struct TuneArguments {
  std::map<std::string, std::string> given;
  std::string options_file;
  TuneOptions choices;
  std::string sampler = std::string(name_of(TuneOptions().sampler));
  std::string time;
  std::string out;
  bool refit = false;
  bool json = false;
  bool quiet = false;
  bool no_report = false;
};

fs::path folder_for(const std::string& out) {
  if (out.empty()) return make_run_folder("", "tune").folder();
  std::error_code error;
  fs::create_directories(out, error);
  if (error) throw Error(error.message(), out, "Name another folder with --out");
  return out;
}

std::string epochs_text(int epochs) { return fmt::format("{} epoch{}", epochs, epochs == 1 ? "" : "s"); }

void describe_tuning(const Tuning& tuning, const fs::path& folder) {
  say(stderr, "data      {}\n", tuning.data_text);
  say(stderr, "split     {}; trials: {}\n", tuning.split.description, tuning.inner);
  say(stderr, "epochs    {}, compared after {}\n", tuning.options.training.epochs,
      fmt::format("{}", fmt::join(tuning.rungs, ", ")));
  for (const std::string& name : tuning.fixed) say(stderr, "fixed     --{}\n", name);
  say(stderr, "trials    {}\n", (folder / "tune.sqlite").string());
}

void show_step(ProgressLine& line, const Tuning& tuning, const Search& search,
               const std::vector<Trial>& trials, int now) {
  const Trial& trial = trials[static_cast<size_t>(now) - 1];
  const std::string where = search.name.empty() ? "" : search.name + "   ";
  std::string text = fmt::format("{}trial {} of {}   ", where, now, tuning.choices.trials);
  if (const RungScore* last = trial.last(); last != nullptr && trial.state != TrialState::failed) {
    text += fmt::format("{} of {} epochs   {}", last->epochs, tuning.options.training.epochs,
                        percent(last->score));
  } else {
    text += "failed: " + trial.problem;
  }
  if (const Trial* best = best_of(trials))
    text += fmt::format("   best: trial {}, {} after {}", best->number, percent(best->last()->score),
                        epochs_text(best->last()->epochs));
  line.finish(text);
}

void print_search(const Tuning& tuning, const SearchResult& search) {
  const std::vector<const Trial*> all = ranked(search.trials);
  constexpr size_t most = 5;
  const char* heading = "best";
  for (size_t i = 0; i < std::min(most, all.size()) && all[i]->state != TrialState::failed; ++i) {
    const RungScore& last = *all[i]->last();
    say("{:<10}{:>6} after {}, trial {}\n", std::exchange(heading, ""), percent(last.score),
        epochs_text(last.epochs), all[i]->number);
  }
  heading = "options";
  for (const auto& [name, text] : tuning.space.texts(search.best()->draw)) {
    const bool is_word = !text.empty() && text.find(' ') == text.npos;
    say("{:<10}--{} {}\n", std::exchange(heading, ""), name, is_word ? text : "\"" + text + "\"");
  }
  heading = "mattered";
  for (size_t i = 0; i < std::min(most, search.importance.size()); ++i) {
    say("{:<10}{} explains {} of the differences\n", std::exchange(heading, ""), search.importance[i].name,
        percent(search.importance[i].share));
  }
}

void print_result(const Tuning& tuning, const TuningResult& result, const std::optional<Refit>& tested,
                  const fs::path& folder) {
  print_search(tuning, result.last());
  if (tested) {
    print_accuracy(tested->result.test, "held-out images");
    if (tested->result.true_test)
      print_accuracy(*tested->result.true_test, "held-out images by their true labels");
    say("model     {}\n", (folder / "model.safetensors").string());
  } else {
    fmt::print(
        "note      these numbers chose the options, so they are a little too good: --refit tests the best\n");
  }
  if (result.is_out_of_time) say(stderr, "note      out of time: the same command goes on\n");
  say("train it  mudra train --options {}\n", (folder / "best.toml").string());
}

}  // namespace

void tune_command(CLI::App& app) {
  auto a = std::make_shared<TuneArguments>();
  app.add_option_function<std::string>(
      "DATA", [a](const std::string& data) { a->given["data"] = data; },
      "Labelled images, in any form that train reads; without it, rendered hands");
  app.add_option("--space", a->choices.space, "What may be chosen: default, or a TOML file (docs/tuning.md)")
      ->capture_default_str();
  app.add_option("--trials", a->choices.trials, "How many there are in the end, with those that are there")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  app.add_option(
      "--time", a->time,
      "End after this long, such as 90s, 10m or 2h; what is under way waits where it was last compared");
  app.add_option(
      "--inner", a->choices.inner,
      "How the training part is divided to compare trials, as --split says it; by group where groups are "
      "known");
  app.add_option("--sampler", a->sampler, "tpe: near what was good; random: anywhere")->capture_default_str();
  app.add_option("--halving", a->choices.halving, "Of so many trials one goes on to more epochs; 1: all do")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_flag("--refit", a->refit, "Train the best on the whole training part, and test it once");
  app.add_option(
      "--out", a->out,
      "Folder for the trials and the best options (default: runs/tune-N); one that holds a search is gone "
      "on with, by several processes, too");
  add_options(app, a->given, {}, {"validation", "patience", "refuse", "checkpoint", "keep-epochs"});
  app.add_option("--options", a->options_file, "A TOML file of options, the same for all trials");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.add_flag("--quiet", a->quiet, "No progress");
  app.add_flag("--no-report", a->no_report, "Write no report and draw no figures");
  app.footer(
      "Examples:\n  mudra tune signs/ --time 10m\n"
      "  mudra tune digits.npz --groups hands.csv --split leave-one-group-out --trials 40 --refit\n"
      "  mudra train --options runs/tune-1/best.toml");
  app.callback([a] {
    const auto sampler = value_named<SamplerKind>(a->sampler);
    if (!sampler)
      throw usage_error("'" + a->sampler + "' is not possible", "--sampler", "Give tpe or random");
    a->choices.sampler = *sampler;
    if (!a->time.empty()) a->choices.seconds = parse_duration(a->time, "--time");
    const std::stop_token stop = interrupts();
    Options options = make_options(a->options_file, a->given);
    std::vector<std::string> given;
    for (const auto& [name, text] : a->given) given.push_back(name);
    Tuning tuning = read_tuning(options, a->choices, given, show_progress("reading", a->quiet));
    const fs::path folder = folder_for(a->out);
    if (!a->quiet) describe_tuning(tuning, folder);
    ProgressLine line;
    TuneEvents events;
    events.stop = stop;
    events.step = [&](const Tuning& of, const Search& search, const std::vector<Trial>& trials, int now) {
      if (!a->quiet) show_step(line, of, search, trials, now);
    };
    const TuningResult result = run_tuning(tuning, folder / "tune.sqlite", events);
    const Options best = best_options(tuning, result.last());
    write_file_atomically(folder / "best.toml", to_toml(best));
    std::optional<Refit> tested;
    if (a->refit) {
      tested = refit(tuning, result, stop);
      if (!tested)
        throw Error("stopped while the best was trained", folder.string(), "Go on with the same command");
      save_model(tested->result.model, folder / "model.safetensors");
    }
    if (a->json) {
      nlohmann::json document = to_json(tuning, result);
      document["folder"] = folder.string();
      if (tested) {
        document["test"] = to_json(tested->result.test);
        if (tested->result.true_test) document["true_labels"] = to_json(*tested->result.true_test);
      }
      print_json(document);
    } else {
      print_result(tuning, result, tested, folder);
    }
    std::fflush(stdout);
    if (a->no_report) return;
    const ExperimentResult* test = tested ? &tested->result : nullptr;
    for (const std::string& note : write_tuning_report(tuning, result, test, folder))
      say(stderr, "note      {}\n", note);
    if (!a->json) say("report    {}\n", (folder / "report.html").string());
  });
}

}  // namespace mudra
