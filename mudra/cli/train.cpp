// mudra train [DATA]: learn from labelled images.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "mudra/cli/commands.h"
#include "mudra/cli/epoch_progress.h"
#include "mudra/cli/output.h"
#include "mudra/core/text.h"
#include "mudra/experiment/choices.h"
#include "mudra/report/record.h"
#include "mudra/report/summary.h"
#include "mudra/run/train_run.h"

namespace mudra {
namespace {

struct TrainArguments {
  std::map<std::string, std::string> given;
  std::string options_file;
  std::string out;
  std::string resume;
  bool json = false;
  bool quiet = false;
  bool no_report = false;
  bool describe = false;
};

void print_result(const Run& run) {
  const Evaluation& test = run.result.test;
  print_scores(test);
  print_accuracy(test, "held-out images");
  if (run.result.true_test) print_accuracy(*run.result.true_test, "held-out images by their true labels");
  print_columns(test);
  print_sureness(run.result.calibration, test, run.result.model, "held-out images");
  if (run.experiment.options.validation > 0)
    fmt::print("kept      epoch {}: its validation loss is the lowest\n", run.result.last().kept_epoch);
  say("model     {}\n          {}\n", (run.folder / "model.safetensors").string(),
      saved_model_text(run.experiment));
  std::fflush(stdout);
}

void describe_only(Options options, bool json) {
  ThreadTeam team(1);
  const Dataset data = load_and_choose(options, team).data;
  const Network network = network_for(options, data);
  const NetworkSummary summary = summarize(network, options.training.batch_size);
  if (json) return print_json(to_json(summary));
  print_summary(summary);
}

}  // namespace

void train_command(CLI::App& app) {
  auto a = std::make_shared<TrainArguments>();
  app.add_option_function<std::string>(
      "DATA", [a](const std::string& data) { a->given["data"] = data; },
      "Labelled images: .npz, .npy, .csv, a folder or synth:N[:DOMAIN]; without it, rendered hands");
  add_options(app, a->given);
  app.add_option("--options", a->options_file, "A TOML file of options, such as a run's options.toml");
  app.add_option("--out", a->out, "Folder for the model and its records (default: runs/NAME-N)");
  app.add_option("--resume", a->resume, "Go on with a run that was stopped: its folder, and nothing else");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.add_flag("--quiet", a->quiet, "No progress");
  app.add_flag("--describe", a->describe, "Print the network's layers and what they cost; train nothing");
  app.add_flag("--no-report", a->no_report, "Write no report and draw no figures");
  app.footer(
      "Examples:\n  mudra train signs/ --validation 0.1\n  mudra train digits.npz --recipe report\n"
      "  mudra train photographs/ --groups hands.csv --split leave-one-group-out --network cnn\n"
      "  mudra train --resume runs/train-1");
  app.callback([a] {
    if (a->describe) return describe_only(make_options(a->options_file, a->given), a->json);
    if (!a->resume.empty() && (!a->options_file.empty() || !a->out.empty()))
      throw usage_error("a run goes on in its folder with its options", "--resume",
                        "Leave out --options and --out");
    RunEvents events;
    events.stop = interrupts();
    events.reading = show_progress("reading", a->quiet);
    EpochProgress progress(a->quiet);
    events.ready = [&](const Experiment& experiment) {
      events.reading = {};  // its line is gone
      if (!a->quiet) describe_experiment(experiment);
    };
    events.epoch = [&](const Experiment& experiment, size_t training, const Epoch& epoch) {
      progress(experiment, training, epoch);
    };
    events.warning = [&](const Experiment& experiment, size_t training, const TrainingWarning& warning) {
      progress.warn(experiment, training, warning);
    };
    std::string problem;
    events.ending = [&](Run& run) {
      progress.finish();
      problem = run.result.problem(run.experiment);
      if (!a->json) print_result(run);
      std::optional<int64_t> copies;
      const bool looks_for_copies = !a->json || !a->no_report;  // it takes a while
      if (looks_for_copies) copies = count_near_copies(run.experiment);
      const std::vector<std::string> warnings = warnings_of(run.experiment, run.result, copies);
      if (a->json) {
        nlohmann::json document = to_json(run);
        document["warnings"] = warnings;
        print_json(document);
      } else {
        if (!copies)
          fmt::print("note      too many images to look for near copies now: `mudra data leaks` does\n");
        print_warnings(warnings);
      }
      std::fflush(stdout);
      if (!a->no_report)
        print_report(make_record(run.experiment, std::move(run.result), run.folder, run.threads, copies),
                     run.folder, a->json);
    };
    if (a->resume.empty()) {
      train_run(make_options(a->options_file, a->given), a->out, events);
    } else {
      resume_run(a->resume, a->given, events);
    }
    if (!problem.empty())
      throw Error(problem, "training", "Lower --learning-rate, or shorten gradients with --clip 1");
  });
}

}  // namespace mudra
