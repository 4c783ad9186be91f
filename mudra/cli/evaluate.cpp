// mudra evaluate DATA --model M: how well a model does on labelled images.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/evaluation/predict.h"
#include "mudra/run/load_data.h"

namespace mudra {
namespace {

struct EvaluateArguments {
  std::map<std::string, std::string> given;
  std::string data;
  std::string model;
  bool json = false;
};

Evaluation evaluate_model(const Model& model, const Dataset& data, const Options& options, ThreadTeam& team) {
  std::vector<int64_t> rows(static_cast<size_t>(data.size()));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  const Predictions answers =
      predict(model.network, static_cast<int64_t>(model.classes.size()), data, rows, team);
  const IndependentUnits units{data.groups, data.photographs, options.seed};
  return evaluate(data.labels, answers.labels, data.classes, units);
}

}  // namespace

Action evaluate_command(Arguments& arguments) {
  auto a = std::make_shared<EvaluateArguments>();
  arguments.positional("DATA", a->data, "Labelled images, in any form that train reads");
  arguments.required_option("--model", a->model, "A model file, or the folder of a run");
  add_options(arguments, a->given, {"classes", "groups", "size", "seed", "threads"});
  arguments.flag("--json", a->json, "Print the result as one JSON document");
  return [a] {
    a->given["data"] = a->data;
    const Options options = make_options({}, a->given);
    const Model model = load_model(a->model);
    ThreadTeam team(std::max(1, options.threads));
    const Dataset data = load_data_for(model, options, team);
    const Evaluation evaluation = evaluate_model(model, data, options, team);
    if (a->json) return print_json(to_json(evaluation));
    print_confusion(evaluation);
    fmt::print("{}\n{}\n", evaluation.text, accuracy_sentence(evaluation, "images"));
  };
}

}  // namespace mudra
