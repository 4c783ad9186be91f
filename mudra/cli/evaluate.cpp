// mudra evaluate DATA [--model M]: how well a model does on labelled images.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/experiment/predictions.h"
#include "mudra/report/record.h"
#include "mudra/report/summary.h"
#include "mudra/run/run_folder.h"
#include "mudra/run/trained_images.h"

namespace mudra {
namespace {

struct EvaluateArguments {
  std::map<std::string, std::string> given;
  std::string model;
  std::optional<std::string> report;
  std::string predictions;
  bool json = false;
};

}  // namespace

void evaluate_command(CLI::App& app) {
  auto a = std::make_shared<EvaluateArguments>();
  app.add_option("DATA", a->given["data"], "Labelled images, in any form that train reads")->required();
  app.add_option(
      "--model", a->model,
      "A model file, the folder of a run, or a model in the box (`mudra models`); without it, hands");
  add_options(app, a->given,
              {"classes", "groups", "by", "labels", "true-labels", "corrections", "strict", "size", "range",
               "seed", "threads"});
  add_report_option(app, a->report,
                    "Write report.html and figures into this folder (default: runs/evaluate-N)");
  app.add_option("--predictions", a->predictions, "Write a CSV with the answer for every image to this file");
  app.add_flag("--json", a->json, "Print the result as one JSON document");
  app.footer("Examples:\n  mudra evaluate new-hands/ --model runs/train-1 --predictions answers.csv");
  app.callback([a] {
    const Options options = make_options({}, a->given);
    FoundModel found = model_named(a->model, a->json);
    ModelTest test = test_model(std::move(found.model), options.data, options.seed, options.run);
    if (!found.path.empty()) look_for_trained_images(test, found.path);
    if (!a->predictions.empty()) {
      std::vector<Row> rows(test.answers.size());
      std::iota(rows.begin(), rows.end(), Row{0});
      write_predictions(test.data, rows, {}, test.answers, a->predictions);
    }
    std::optional<RunLock> lock;
    if (a->report) lock.emplace(make_run_folder(*a->report, "evaluate", "--report"));
    const std::filesystem::path folder = lock ? lock->folder() : "";
    if (a->json) {
      nlohmann::json document = to_json(test.evaluation);
      document["warnings"] = warnings_of(test);
      document["calibration"] = to_json(test.calibration);
      document["calibration"]["refusal"] = refusal_text(test.model);
      if (test.true_evaluation) document["true_labels"] = to_json(*test.true_evaluation);
      if (a->report) document["report"] = (folder / "report.html").string();
      if (!a->predictions.empty()) document["predictions"] = a->predictions;
      print_json(document);
    } else {
      print_confusion(test.evaluation);
      print_scores(test.evaluation);
      print_accuracy(test.evaluation, "images", ", if training saw none of them");
      if (test.true_evaluation) print_accuracy(*test.true_evaluation, "images by their true labels");
      print_columns(test.evaluation);
      print_sureness(test.calibration, test.evaluation, test.model, "images");
      print_warnings(warnings_of(test));
      if (!a->predictions.empty()) say("answers   {}\n", a->predictions);
    }
    std::fflush(stdout);
    if (!lock) return;
    print_report(make_record(test, options, found.name), folder, a->json);
    lock->done();
  });
}

}  // namespace mudra
