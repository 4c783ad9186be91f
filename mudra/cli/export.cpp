// mudra export MODEL --to onnx --out FILE: a model for other programs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/atomic_file.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/export/onnx.h"

namespace mudra {
namespace {

struct ExportArguments {
  std::string model, to, out;
  bool json = false;
};

void print_export(const ExportArguments& a, const Model& model, size_t size) {
  const Preprocessing& p = model.preprocessing;
  say("model     {}: {}x{} {}, {} classes, {} parameters\n", a.model, p.width, p.height,
      p.channels == 1 ? "grey" : "colour", model.classes.size(), thousands(model.network.parameter_count()));
  say("{:<9} {}: {} bytes\n", a.to, a.out, thousands(static_cast<int64_t>(size)));
}

nlohmann::json to_json(const ExportArguments& a, const Model& model, size_t size) {
  const Shape& in = model.network.input;
  return {{"model", a.model}, {"format", a.to},           {"file", a.out},
          {"bytes", size},    {"classes", model.classes}, {"input", {in[1], in[2], in[3]}}};
}

}  // namespace

void export_command(CLI::App& app) {
  auto a = std::make_shared<ExportArguments>();
  app.add_option("MODEL", a->model, "A model file, the folder of a run, or a model in the box")->required();
  app.add_option("--to", a->to, "The format: onnx")->required();
  app.add_option("--out", a->out, "The file to write")->required();
  app.add_flag("--json", a->json, "Print what was written as one JSON document");
  app.callback([a] {
    if (a->to != "onnx")
      throw usage_error("no format is called '" + a->to + "'", "--to", did_you_mean(a->to, {"onnx"}));
    const Model model = find_model(a->model).model;
    const std::string bytes = onnx_bytes(model);
    write_file_atomically(a->out, bytes);
    if (a->json) {
      print_json(to_json(*a, model, bytes.size()));
    } else {
      print_export(*a, model, bytes.size());
    }
  });
}

}  // namespace mudra
