// mudra predict IMAGE... [--model M]: what a model sees in pictures.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mudra/cli/commands.h"
#include "mudra/cli/output.h"
#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/data/image_file.h"
#include "mudra/experiment/options.h"
#include "mudra/features/prepare.h"
#include "mudra/inference/answer_json.h"
#include "mudra/inference/draw_answer.h"
#include "mudra/inference/model_picture.h"
#include "mudra/inference/predictor.h"

namespace mudra {
namespace {

struct PredictArguments {
  std::map<std::string, std::string> given;
  std::vector<std::string> images;
  std::string model;
  std::string draw;
  bool json = false;
};

struct FileAnswer {
  std::string file;
  size_t image = 0;     // in the file, counted from 0
  bool is_one = false;  // of several
  Answer answer;
};

// What was asked about in a file: a picture, or the images of an array.
struct Asked {
  std::string file;
  Pixels images;  // of an array
  std::vector<Answer> answers;

  // Image `i` to be drawn on.
  Image picture(size_t i) const {
    constexpr int most = 960;
    if (images.count() == 0) return within(read_picture(file, 3, {.longer = most}), most);
    return within(image_of(images, static_cast<int64_t>(i)), most);
  }
};

Asked ask(const Predictor& predictor, const std::string& file, const RangeOption& range) {
  const Model& model = predictor.model();
  if (!holds_array(file)) return {file, {}, {predictor.answer(read_picture_for(model, file))}};
  const Preprocessing& wanted = model.preprocessing;
  std::vector<std::string> notes;
  Pixels images = read_images(file,
                              {.height = wanted.height,
                               .width = wanted.width,
                               .channels = wanted.channels,
                               .black = static_cast<float>(range.black),
                               .white = static_cast<float>(range.white)},
                              &notes);
  for (const std::string& note : notes) say(stderr, "{}: {}\n", file, note);
  std::vector<Answer> answers = predictor.answer(images);
  return {file, std::move(images), std::move(answers)};
}

// Writes drawings: one as `out`, or several into the folder `out`, each named after its picture.
class Drawings {
 public:
  Drawings(std::filesystem::path out, size_t files)
      : out_(std::move(out)), is_folder_(std::filesystem::is_directory(out_) || out_.extension() != ".png") {
    if (files > 1) needs_folder();
  }

  void add(const Asked& asked, const Model& model) {
    if (asked.answers.size() > 1) needs_folder();
    for (size_t i = 0; i < asked.answers.size(); ++i) {
      std::filesystem::path to = out_;
      if (is_folder_) {
        std::string name = std::filesystem::path(asked.file).stem().string();
        if (asked.answers.size() > 1) name += fmt::format("-{}", i);
        std::filesystem::create_directories(out_);
        const int count = ++named_[name];
        to /= (count == 1 ? name : fmt::format("{}_{}", name, count)) + ".png";
      }
      write_file_atomically(to, encode_png(draw_answer(asked.picture(i), asked.answers[i], model)));
    }
  }

 private:
  void needs_folder() const {
    if (!is_folder_)
      throw usage_error("names one picture, and there are several", "--draw " + out_.string(),
                        "Name a folder");
  }

  std::filesystem::path out_;
  bool is_folder_;
  std::map<std::string, int> named_;  // how often
};

// Folders replaced by the pictures in them.
std::vector<std::string> with_pictures_of_folders(const std::vector<std::string>& named) {
  std::vector<std::string> files, notes;
  for (const std::string& name : named) {
    if (!std::filesystem::is_directory(name)) {
      files.push_back(name);
      continue;
    }
    const std::vector<std::string> inside = pictures_in(name, notes);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  for (const std::string& note : notes) say(stderr, "          {}\n", note);
  return files;
}

nlohmann::json to_json(const std::vector<FileAnswer>& answers, const Model& model) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [file, image, is_one, answer] : answers) {
    list.push_back(to_json(answer, model));
    list.back()["file"] = file;
    list.back()["image"] = image;
  }
  return list;
}

// The classes, the answer before the likeliest of the others.
std::vector<size_t> answer_first(const Answer& a) {
  std::vector<size_t> order(a.probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](size_t c) { return a.probabilities[c]; });
  std::ranges::stable_partition(order, [&](size_t c) { return static_cast<int32_t>(c) == a.label; });
  return order;
}

void print_answers(const std::vector<FileAnswer>& answers, const Model& model) {
  const auto name = [](const FileAnswer& each) {
    return clean(each.is_one ? fmt::format("{}, image {}", each.file, each.image) : each.file);
  };
  const int32_t none = none_label(model);
  size_t width = 0;
  for (const FileAnswer& each : answers) width = std::max(width, name(each).size());
  for (const FileAnswer& each : answers) {
    const Answer& a = each.answer;
    const bool is_none = a.label == none;
    say("{:<{}}  {}", name(each), width,
        is_none ? "none of these; nearest to" : model.classes[static_cast<size_t>(a.label)]);
    size_t left = 3;
    for (const size_t c : answer_first(a)) {
      if (left == 0) break;
      if (is_none && static_cast<int32_t>(c) == none) continue;
      say("   {} {:.1f}%", model.classes[c], 100 * a.probabilities[c]);
      --left;
    }
    fmt::print("\n");
  }
}

}  // namespace

void predict_command(CLI::App& app) {
  auto a = std::make_shared<PredictArguments>();
  app.add_option("IMAGE", a->images,
                 "Pictures: PNG, JPEG, WebP, .npy of one or more images, or folders of them")
      ->required();
  app.add_option(
      "--model", a->model,
      "A model file, the folder of a run, or a model in the box (`mudra models`); without it, hands");
  add_options(app, a->given, {"range"});
  app.add_option(
      "--draw", a->draw,
      "Draw the answer, and where the hand is, into the picture: a PNG file, or a folder for several");
  app.add_flag("--json", a->json, "Print the answers as one JSON document");
  app.footer(
      "Examples:\n  mudra predict hand.jpg\n  mudra predict hand.jpg --model runs/train-1 --draw seen.png\n"
      "  mudra predict photographs/ images.npy --model model.safetensors --json");
  app.callback([a] {
    const Predictor predictor(model_named(a->model, a->json).model);
    const RangeOption range = make_options({}, a->given).data.range;
    const std::vector<std::string> files = with_pictures_of_folders(a->images);
    std::vector<FileAnswer> answers;
    std::optional<Drawings> drawings;
    if (!a->draw.empty()) drawings.emplace(a->draw, files.size());
    size_t failed = 0;
    for (const std::string& file : files) {
      Asked asked;
      try {
        asked = ask(predictor, file, range);
      } catch (const Error& error) {
        ++failed;
        if (failed < files.size()) {  // the last of nothing but failures ends the command
          say(stderr, "mudra: {}\n", error.what());
        } else {
          throw;
        }
        continue;
      }
      if (drawings) drawings->add(asked, predictor.model());
      const bool is_one = asked.answers.size() > 1;
      for (size_t i = 0; i < asked.answers.size(); ++i)
        answers.push_back({file, i, is_one, std::move(asked.answers[i])});
    }
    if (a->json) {
      print_json(to_json(answers, predictor.model()));
    } else {
      print_answers(answers, predictor.model());
    }
    if (failed > 0) {
      std::fflush(stdout);
      throw Error(fmt::format("{} of {} images could not be read", failed, files.size()));
    }
  });
}

}  // namespace mudra
