// mudra evaluate DATA --model M: how well a model does on labelled images.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/report/summary.h"
#include "mudra/run/record.h"
#include "mudra/run/run_folder.h"

namespace mudra {
namespace {

struct EvaluateArguments {
  std::map<std::string, std::string> given;
  std::string data;
  std::string model;
  std::optional<std::string> report;
  bool json = false;
};

}  // namespace

Action evaluate_command(Arguments& arguments) {
  auto a = std::make_shared<EvaluateArguments>();
  arguments.positional("DATA", a->data, "Labelled images, in any form that train reads");
  arguments.required_option("--model", a->model, "A model file, or the folder of a run");
  add_options(arguments, a->given, {"classes", "groups", "labels", "strict", "size", "seed", "threads"});
  arguments.optional_value("--report", a->report,
                           "Write report.html and figures into this folder (default: runs/evaluate-N)");
  arguments.flag("--json", a->json, "Print the result as one JSON document");
  return [a] {
    a->given["data"] = a->data;
    const ModelTest test = evaluate_run(make_options({}, a->given), a->model);
    const std::filesystem::path folder = a->report ? make_run_folder(*a->report, "evaluate", "--report") : "";
    if (a->json) {
      nlohmann::json document = to_json(test.evaluation);
      if (a->report) document["report"] = (folder / "report.html").string();
      print_json(document);
    } else {
      print_confusion(test.evaluation);
      fmt::print("{}\n{}\n", test.evaluation.text, accuracy_sentence(test.evaluation, "images"));
    }
    std::fflush(stdout);
    if (a->report) print_report(make_record(test), folder, a->json);
  };
}

}  // namespace mudra
