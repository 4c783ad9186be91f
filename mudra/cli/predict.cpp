// mudra predict IMAGE... --model M: what a model sees in pictures.
#include "mudra/evaluation/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/error.h"
#include "mudra/data/image_file.h"
#include "mudra/features/prepare.h"

namespace mudra {
namespace {

struct PredictArguments {
  std::vector<std::string> images;
  std::string model;
  bool json = false;
};

struct Answer {
  std::string file;
  size_t label;
  std::vector<float> probabilities, logits;
};

Answer answer(const Model& model, const std::string& file, ThreadTeam& team) {
  if (std::filesystem::is_directory(file)) {
    throw Error("is a folder, not a picture", file, "Name the pictures in it, such as " + file + "/*.png");
  }
  Dataset one;
  one.source = file;
  one.pixels = fit_to(read_image(file, model.preprocessing.channels, &one.notes), model.preprocessing);
  for (const std::string& note : one.notes) fmt::print(stderr, "{}: {}\n", file, note);
  const Row row = 0;
  const Predictions found =
      predict(model.network, static_cast<int64_t>(model.classes.size()), one, std::span(&row, 1), team);
  const auto values = found.probabilities.values();
  const auto logits = found.logits.values();
  return {file,
          static_cast<size_t>(found.labels[0]),
          {values.begin(), values.end()},
          {logits.begin(), logits.end()}};
}

nlohmann::json to_json(const std::vector<Answer>& answers, const Model& model) {
  nlohmann::json list = nlohmann::json::array();
  for (const Answer& a : answers) {
    nlohmann::json probabilities;
    for (size_t c = 0; c < model.classes.size(); ++c) probabilities[model.classes[c]] = a.probabilities[c];
    list.push_back({{"file", a.file},
                    {"label", model.classes[a.label]},
                    {"confidence", a.probabilities[a.label]},
                    {"probabilities", probabilities},
                    {"logits", a.logits}});
  }
  return list;
}

void print_answers(const std::vector<Answer>& answers, const Model& model) {
  size_t width = 0;
  for (const Answer& a : answers) width = std::max(width, a.file.size());
  for (const Answer& a : answers) {
    fmt::print("{:<{}}  {}", a.file, width, model.classes[a.label]);
    std::vector<size_t> order;
    for (size_t c = 0; c < model.classes.size(); ++c) order.push_back(c);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t x, size_t y) { return a.probabilities[x] > a.probabilities[y]; });
    while (order.size() > 3) order.pop_back();
    for (const size_t c : order) fmt::print("   {} {:.1f}%", model.classes[c], 100 * a.probabilities[c]);
    fmt::print("\n");
  }
}

}  // namespace

Action predict_command(Arguments& arguments) {
  auto a = std::make_shared<PredictArguments>();
  arguments.positional("IMAGE", a->images, "Pictures: PNG, JPEG or .npy, of any size and colour");
  arguments.required_option("--model", a->model, "A model file, or the folder of a run");
  arguments.flag("--json", a->json, "Print the answers as one JSON document");
  return [a] {
    const Model model = load_model(a->model);
    ThreadTeam team(1);
    std::vector<Answer> answers;
    size_t failed = 0;
    for (const std::string& file : a->images) {
      try {
        answers.push_back(answer(model, file, team));
      } catch (const Error& error) {
        ++failed;
        if (failed < a->images.size()) {  // the last of nothing but failures ends the command
          fmt::print(stderr, "mudra: {}\n", error.what());
        } else {
          throw;
        }
      }
    }
    if (a->json) {
      print_json(to_json(answers, model));
    } else {
      print_answers(answers, model);
    }
    if (failed > 0) {
      std::fflush(stdout);
      throw Error(fmt::format("{} of {} images could not be read", failed, a->images.size()));
    }
  };
}

}  // namespace mudra
