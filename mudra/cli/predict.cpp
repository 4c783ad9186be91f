// mudra predict IMAGE... --model M: what a model sees in pictures.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/error.h"
#include "mudra/data/image_file.h"
#include "mudra/inference/predictor.h"

namespace mudra {
namespace {

struct PredictArguments {
  std::vector<std::string> images;
  std::string model;
  bool json = false;
};

struct FileAnswer {
  std::string file;
  Answer answer;
};

FileAnswer answer(const Predictor& predictor, const std::string& file) {
  if (std::filesystem::is_directory(file)) {
    throw Error("is a folder, not a picture", file, "Name the pictures in it, such as " + file + "/*.png");
  }
  std::vector<std::string> notes;
  const Pixels picture = read_image(file, predictor.model().preprocessing.channels, &notes);
  for (const std::string& note : notes) say(stderr, "{}: {}\n", file, note);
  return {file, predictor.answer(picture).at(0)};
}

// A refusal has no label.
nlohmann::json to_json(const std::vector<FileAnswer>& answers, const Model& model) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [file, a] : answers) {
    nlohmann::json probabilities = nlohmann::json::object(), label;
    for (size_t c = 0; c < model.classes.size(); ++c) probabilities[model.classes[c]] = a.probabilities[c];
    if (a.label != refused) label = model.classes[static_cast<size_t>(a.label)];
    list.push_back({{"file", file},
                    {"label", label},
                    {"confidence", a.confidence},
                    {"probabilities", probabilities},
                    {"logits", a.logits}});
  }
  return list;
}

void print_answers(const std::vector<FileAnswer>& answers, const Model& model) {
  size_t width = 0;
  for (const FileAnswer& each : answers) width = std::max(width, each.file.size());
  for (const FileAnswer& each : answers) {
    const Answer& a = each.answer;
    const std::string label =
        a.label == refused ? "none of these" : model.classes[static_cast<size_t>(a.label)];
    fmt::print("{:<{}}  {}", each.file, width, label);
    std::vector<size_t> order(model.classes.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater{}, [&](size_t c) { return a.probabilities[c]; });
    order.resize(std::min<size_t>(order.size(), 3));
    for (const size_t c : order) fmt::print("   {} {:.1f}%", model.classes[c], 100 * a.probabilities[c]);
    fmt::print("\n");
  }
}

}  // namespace

void predict_command(CLI::App& app) {
  auto a = std::make_shared<PredictArguments>();
  app.add_option("IMAGE", a->images, "Pictures: PNG, JPEG or .npy, of any size and colour")->required();
  app.add_option("--model", a->model, "A model file, or the folder of a run")->required();
  app.add_flag("--json", a->json, "Print the answers as one JSON document");
  app.footer(
      "Examples:\n  mudra predict hand.jpg --model runs/train-1\n"
      "  mudra predict *.png --model model.safetensors --json");
  app.callback([a] {
    const Predictor predictor(load_model(a->model));
    std::vector<FileAnswer> answers;
    size_t failed = 0;
    for (const std::string& file : a->images) {
      try {
        answers.push_back(answer(predictor, file));
      } catch (const Error& error) {
        ++failed;
        if (failed < a->images.size()) {  // the last of nothing but failures ends the command
          say(stderr, "mudra: {}\n", error.what());
        } else {
          throw;
        }
      }
    }
    if (a->json) {
      print_json(to_json(answers, predictor.model()));
    } else {
      print_answers(answers, predictor.model());
    }
    if (failed > 0) {
      std::fflush(stdout);
      throw Error(fmt::format("{} of {} images could not be read", failed, a->images.size()));
    }
  });
}

}  // namespace mudra
