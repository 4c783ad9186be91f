// mudra models [NAME]: the models in the box, or what is known of one.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/box/box.h"
#include "mudra/box/model_facts.h"
#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/text.h"

namespace mudra {
namespace {

struct ModelsArguments {
  std::string name;
  bool json = false;
};

std::string size_text(const Preprocessing& input) {
  return fmt::format("{}x{} in {}", input.height, input.width, input.channels == 1 ? "grey" : "colour");
}

void print_facts(const ModelFacts& facts) {
  say("{:<10}{}\n", "model", facts.name);
  say("{:<10}{}\n", "reads", facts.reads);
  say("{:<10}{}\n", "answers", listed(facts.classes));
  if (!facts.none_class.empty()) say("{:<10}'{}' means none of these\n", "", facts.none_class);
  if (facts.rejection_threshold > 0)
    say("{:<10}what it is less than {:.4g}% sure of is none of these\n", "", 100 * facts.rejection_threshold);
  say("{:<10}{}\n", "input", size_text(facts.input));
  for (const PartFacts& part : facts.parts)
    say("{:<10}{}: {}, {} weights\n", "part", part.name, size_text(part.input), thousands(part.weights));
  say("{:<10}{}\n", "weights", thousands(facts.weights));
  say("{:<10}{}\n", "bytes", thousands(facts.bytes));
  say("{:<10}{}\n", "hash", facts.hash);
  for (const auto& [key, text] : facts.card) say("{:<10}{}: {}\n", "card", key, text);
}

}  // namespace

void models_command(CLI::App& app) {
  auto a = std::make_shared<ModelsArguments>();
  app.add_option("NAME", a->name,
                 "A model in the box, a model file or the folder of a run; without it, all in the box");
  app.add_flag("--json", a->json, "Print what is known as one JSON document");
  app.footer("Examples:\n  mudra models\n  mudra models hands --json");
  app.callback([a] {
    if (!a->name.empty()) {
      const ModelFacts facts = facts_of(find_model(a->name).model, a->name);
      return a->json ? print_json(to_json(facts)) : print_facts(facts);
    }
    nlohmann::json document = nlohmann::json::array();
    for (const ModelFacts& facts : facts_of_box()) {
      document.push_back(to_json(facts));
      if (!a->json) print_facts(facts);
    }
    if (a->json) print_json(document);
  });
}

}  // namespace mudra
