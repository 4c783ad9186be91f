// mudra compare A B...: whether one run is better than another, on the images that all of them tested.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/error.h"
#include "mudra/report/comparison_page.h"
#include "mudra/run/compare_runs.h"
#include "mudra/run/run_folder.h"

namespace mudra {
namespace {

struct CompareArguments {
  std::vector<std::string> runs;
  std::optional<std::string> report;
  bool json = false;
};

void print_runs(const ComparedRuns& compared) {
  say("images    {} tested by all\n", thousands(compared.n));
  size_t width = 0;
  for (const ComparedRun& run : compared.runs) width = std::max(width, clean(run.name).size());
  for (const ComparedRun& run : compared.runs) {
    say("{:<10}{:<{}}   right on {} (95% interval {} to {})\n", &run == compared.runs.data() ? "runs" : "",
        clean(run.name), width, percent(run.accuracy), percent(run.interval.low), percent(run.interval.high));
  }
}

void print_paired(const char* heading, const std::vector<PairedScore>& scores, size_t most) {
  if (scores.empty()) return;
  std::vector<const PairedScore*> shown;
  for (const PairedScore& score : scores) {
    if (score.only_a_right + score.only_b_right > 0) shown.push_back(&score);
  }
  std::ranges::stable_sort(shown, std::greater{}, [](const PairedScore* score) {
    return std::max(score->only_a_right, score->only_b_right) -
           std::min(score->only_a_right, score->only_b_right);
  });
  const size_t all = shown.size();
  shown.resize(std::min(all, most));
  size_t width = 0;
  for (const PairedScore* score : shown) width = std::max(width, display_name(score->name, 24).size());
  for (size_t i = 0; i < shown.size(); ++i) {
    const PairedScore& score = *shown[i];
    say("{:<10}{:<{}}   {} points of {}: only A right on {}, only B on {}\n", i == 0 ? heading : "",
        display_name(score.name, 24), width, signed_points(score.difference()), thousands(score.n),
        thousands(score.only_a_right), thousands(score.only_b_right));
  }
  if (shown.size() < all) say("{:<10}and {} more that differ\n", "", all - shown.size());
  if (all < scores.size())
    say("{:<10}on {} more the two are right alike\n", all == 0 ? heading : "", scores.size() - all);
}

void print_pair(const ComparedRuns& compared, const RunPair& pair) {
  const Comparison& found = pair.comparison;
  const std::string &a = compared.runs[pair.a].name, &b = compared.runs[pair.b].name;
  const bool is_alone = compared.pairs.size() == 1;
  const auto adjusted = [&](double p) { return is_alone ? "" : fmt::format(", after Holm {}", p_text(p)); };
  say("\nA         {}\nB         {}\n", a, b);
  say("B over A  {}, 95% interval{}\n", difference_text(found),
      found.interval.unit == "image" ? "" : " by " + found.interval.unit);
  say("right     only A on {}, only B on {} of {}\n", thousands(found.all.only_a_right),
      thousands(found.all.only_b_right), thousands(found.all.n));
  say("McNemar   {}{}, exact, as if every image were independent\n", p_text(found.p_value),
      adjusted(pair.p_value_holm));
  if (found.interval.unit != "image") {
    say("by {:<7}{}{}, exact sign-flip test of {} {}s\n", found.interval.unit == "group" ? "group" : "photo",
        p_text(found.units_p_value), adjusted(pair.units_p_value_holm), thousands(found.interval.independent),
        found.interval.unit);
  }
  if (found.photographs_p_value)
    say("by photo  {}, the same of photographs: for more pictures of these groups\n",
        p_text(*found.photographs_p_value));
  if (is_alone) {
    print_paired("by class", found.per_class, 10);
    print_paired("by group", found.groups, 5);
  }
  say("verdict   {}.\n", verdict(compared, pair));
}

void print_comparison(const ComparedRuns& compared) {
  print_runs(compared);
  for (const RunPair& pair : compared.pairs) print_pair(compared, pair);
  fmt::print("\n");
  size_t width = 0;
  for (const DifferingOption& option : compared.options) width = std::max(width, option.name.size());
  for (const DifferingOption& option : compared.options) {
    std::vector<std::string> texts;
    for (const std::string& text : option.texts) texts.push_back(text.empty() ? "—" : clean(text));
    say("{:<10}{:<{}}   {}\n", &option == compared.options.data() ? "options" : "", option.name, width,
        fmt::format("{}", fmt::join(texts, " / ")));
  }
  for (const std::string& remark : remarks(compared)) say("note      {}\n", remark);
}

// Of the first run that knows where its images came from.
void write_page(const ComparedRuns& compared, const std::optional<Options>& options,
                const std::filesystem::path& folder, bool quiet) {
  Dataset images;
  std::string missing = "Files of predictions do not say where the pictures are, so none are shown.";
  if (options) {
    missing.clear();
    try {
      images = load_compared_images(*options, compared.runs[0].predictions, show_progress("reading", quiet));
    } catch (const Error& error) {
      missing = std::string("The pictures could not be read again, so none are shown: ") + error.what();
    }
  }
  if (!missing.empty()) say(stderr, "note      {}\n", missing);
  write_comparison_page(compared, images, missing, folder);
  if (!quiet) say("report    {}\n", (folder / "report.html").string());
}

}  // namespace

void compare_command(CLI::App& app) {
  auto a = std::make_shared<CompareArguments>();
  app.add_option("RUN", a->runs, "Two runs or more: their folders, or files that --predictions wrote")
      ->required()
      ->expected(2, -1);
  add_report_option(
      app, a->report,
      "Of two runs: write report.html, with the pictures on which they disagree, into this folder "
      "(default: runs/compare-N)");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.footer(
      "Examples:\n  mudra compare runs/train-1 runs/train-2\n"
      "  mudra compare runs/mlp runs/cnn runs/resnet --json");
  app.callback([a] {
    if (a->report && a->runs.size() != 2)
      throw usage_error("shows two runs, not " + std::to_string(a->runs.size()), "--report", "Name two");
    std::vector<TestedRun> runs;
    for (const std::string& run : a->runs) runs.push_back(read_tested_run(run));
    const std::optional<Options> options = runs[0].options ? runs[0].options : runs.back().options;
    const ComparedRuns compared = compare_runs(std::move(runs));
    std::optional<RunLock> lock;
    if (a->report) lock.emplace(make_run_folder(*a->report, "compare", "--report"));
    if (a->json) {
      nlohmann::json document = to_json(compared);
      if (lock) document["report"] = (lock->folder() / "report.html").string();
      print_json(document);
    } else {
      print_comparison(compared);
    }
    std::fflush(stdout);
    if (!lock) return;
    write_page(compared, options, lock->folder(), a->json);
    lock->done();
  });
}

}  // namespace mudra
