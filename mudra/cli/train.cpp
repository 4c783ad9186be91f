// mudra train [DATA]: learn from labelled images.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "mudra/cli/commands.h"
#include "mudra/cli/describe.h"
#include "mudra/cli/output.h"
#include "mudra/core/text.h"
#include "mudra/report/summary.h"
#include "mudra/run/doubts.h"
#include "mudra/run/load_data.h"
#include "mudra/run/record.h"

namespace mudra {
namespace {

struct TrainArguments {
  std::map<std::string, std::string> given;
  std::optional<std::string> data;
  std::string options_file;
  std::string out;
  std::string resume;
  bool json = false;
  bool quiet = false;
  bool no_report = false;
  bool describe = false;
};

std::string epoch_line(const Options& options, const Epoch& epoch, double seconds) {
  std::string line =
      fmt::format("epoch {} of {}   loss {:.3f}", epoch.number, options.epochs, epoch.loss_train);
  if (!std::isnan(epoch.loss_validation)) line += fmt::format("   validation {:.3f}", epoch.loss_validation);
  if (!std::isnan(epoch.loss_held_out))
    line += fmt::format("   held out {:.3f}   {:.1f}%", epoch.loss_held_out, 100 * epoch.accuracy_held_out);
  return line + fmt::format("   {:.2f} s", seconds);
}

// Progress goes to standard error: one line rewritten on a terminal, a line every tenth of the way elsewhere.
class EpochProgress {
 public:
  explicit EpochProgress(bool quiet) : quiet_(quiet) {}
  ~EpochProgress() { finish(); }  // before a message of what stopped it
  EpochProgress(const EpochProgress&) = delete;
  EpochProgress& operator=(const EpochProgress&) = delete;

  void operator()(const Run& run, const Epoch& epoch) {
    seconds_ += epoch.seconds;
    ++seen_;
    if (quiet_) return;
    const int epochs = run.options.epochs;
    std::string line = epoch_line(run.options, epoch, seconds_);
    unfinished_ = line;
    const bool is_last = epoch.number == epochs;
    const bool is_tenth = epoch.number * 10 / epochs != (epoch.number - 1) * 10 / epochs;
    if (is_last || (is_tenth && !line_.is_terminal())) {
      finish();
    } else {
      line_.show(line + fmt::format("   {:.0f} s left", seconds_ / seen_ * (epochs - epoch.number)));
    }
  }

  // The last epoch's line stays, also when training ended early.
  void finish() {
    if (!unfinished_.empty()) line_.finish(unfinished_);
    unfinished_.clear();
  }

 private:
  bool quiet_;
  std::string unfinished_;
  int seen_ = 0;  // epochs; a run gone on with begins later than with the first
  double seconds_ = 0;
  ProgressLine line_;
};

void describe_run(const Run& run) {
  fmt::print(stderr, "data      {}\n", run.data_text);
  print_notes(run.data);
  fmt::print(stderr, "split     {}\n", describe_split(run));
  fmt::print(stderr, "network   {}   {} parameters\n", run.initial.text(),
             thousands(run.initial.parameter_count()));
}

void print_result(const Run& run) {
  fmt::print("{}\n{}\n", run.test.text, accuracy_sentence(run.test));
  if (run.options.validation > 0)
    fmt::print("kept      epoch {}: its validation loss is the lowest\n", run.kept_epoch);
  fmt::print("model     {}\n", (run.folder / "model.safetensors").string());
  std::fflush(stdout);
}

void warn_of_leaks(const Run& run, std::optional<int64_t> copies) {
  if (!copies) {
    fmt::print("note      too many images to look for near copies now: `mudra data leaks` does\n");
  } else if (*copies > 0) {
    fmt::print("warning   {} of them {} a near copy in training: this is easier than a new hand.{}\n",
               thousands(*copies), *copies == 1 ? "has" : "have",
               run.data.groups.empty() ? " --split group --groups FILE tells." : " --split group tells.");
  }
  std::fflush(stdout);
}

void describe_only(const Options& options, bool json) {
  ThreadTeam team(1);
  const Network network = network_for(options, load_data(options, team).first);
  const NetworkSummary summary = summarize(network, options.batch_size);
  if (json) return print_json(to_json(summary));
  print_summary(summary);
}

}  // namespace

Action train_command(Arguments& arguments) {
  auto a = std::make_shared<TrainArguments>();
  arguments.positional(
      "DATA", a->data,
      "Labelled images: .npz, .npy, .csv, a folder or synth:N[:DOMAIN]; without it, rendered hands", false);
  add_options(arguments, a->given);
  arguments.option("--options", a->options_file, "A TOML file of options, such as a run's options.toml");
  arguments.option("--out", a->out, "Folder for the model and its records (default: runs/NAME-N)");
  arguments.option("--resume", a->resume, "Go on with a run that was stopped: its folder, and nothing else");
  arguments.flag("--json", a->json, "Print the result as one JSON document");
  arguments.flag("--quiet", a->quiet, "No progress");
  arguments.flag("--describe", a->describe, "Print the network's layers and what they cost; train nothing");
  arguments.flag("--no-report", a->no_report, "Write no report and draw no figures");
  return [a] {
    if (a->data) a->given["data"] = *a->data;
    if (a->describe) return describe_only(make_options(a->options_file, a->given), a->json);
    if (!a->resume.empty() && (!a->options_file.empty() || !a->out.empty()))
      throw usage_error("a run goes on in its folder with its options", "--resume",
                        "Leave out --options and --out");
    const std::stop_token stop = interrupts();
    RunEvents events;
    events.reading = [&] { return show_progress("reading", a->quiet); };
    if (!a->quiet) events.ready = describe_run;
    EpochProgress progress(a->quiet);
    events.epoch = [&](const Run& run, size_t, const Epoch& epoch) { progress(run, epoch); };
    events.stop = [stop] { return stop.stop_requested(); };
    const Run run = a->resume.empty() ? train_run(make_options(a->options_file, a->given), a->out, events)
                                      : resume_run(a->resume, a->given, events);
    progress.finish();
    if (a->json) {
      print_json(to_json(run));
      std::fflush(stdout);
    } else {
      print_result(run);
    }
    if (!a->json || !a->no_report) {
      const std::optional<int64_t> copies = count_near_copies(run);
      if (!a->json) warn_of_leaks(run, copies);
      if (!a->no_report) print_report(make_record(run, copies), run.folder, a->json);
    }
    if (!run.trouble.empty())
      throw Error(run.trouble, "training", "Lower --learning-rate, or shorten gradients with --clip 1");
  };
}

}  // namespace mudra
