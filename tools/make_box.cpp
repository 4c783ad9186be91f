// Makes the model in the box anew: renders hands in rooms, trains a finder and a reader on them, sets what is
// refused and how sure answers are by hands of other people, and writes the model file. The same options give
// the same bytes, for any number of threads.
//
// make_box OUT.safetensors --photographs DATA/ankara     an hour on two processors with nothing else to do
// make_box OUT.safetensors --reader-images 2000 --finder-images 1000 --epochs 1        a small one, to try it
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "mudra/core/stopwatch.h"
#include "mudra/features/prepare.h"
#include "mudra/inference/calibration.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/network/loss.h"
#include "tools/box_pictures.h"

namespace mudra {
namespace {

constexpr std::string_view finder_line =
    "conv 16 3x3, relu, pool 2, conv 24 3x3, relu, pool 2, conv 40 3x3, relu, conv 40 3x3, relu, pool 2, "
    "conv 48 3x3, relu, conv 48 3x3, relu, pool 2, "
    "conv 52 3x3, relu, conv 52 3x3, relu, conv 52 3x3, relu, heads(presence 1, distance 9)";
constexpr std::string_view reader_line =
    "conv 32 3x3, relu, pool 2, conv 56 3x3, relu, conv 56 3x3, relu, pool 2, conv 80 3x3, relu, "
    "conv 80 3x3, relu, pool 2, conv 96 3x3, relu, conv 96 3x3, relu, pool 2, dense 64, relu, "
    "heads(classes 11, distance 42 weight 25)";
constexpr double refused_digits = 0.01;

Part trained(std::string_view line, const Dataset& data, const BoxOptions& box, ThreadTeam& team) {
  const Shape& shape = data.pixels.shape();
  Network network = Network::parse(line, {1, shape[1], shape[2], shape[3]}, 2);
  network.initialize(Initialization::he, box.seed);
  fmt::print(stderr, "{} weights, {} images\n", network.parameter_count(), data.size());
  TrainingOptions options;
  options.learning_rate = 0.003;
  options.schedule = ScheduleKind::cosine;
  options.warm_up = 0.1;
  options.ema = 0.999;
  options.label_smoothing = 0.05;
  options.epochs = box.epochs;
  // Every image trains but the last ones, which are watched.
  const int64_t watched = std::min<int64_t>(2000, data.size() / 10);
  Fold fold;
  for (int64_t row = 0; row < data.size(); ++row)
    (row < data.size() - watched ? fold.train : fold.test).push_back(static_cast<Row>(row));
  Trainer trainer(std::move(network), data, fold, options, box.seed, team);
  const Stopwatch clock;
  trainer.run({.epoch = [&](const Trainer&, const Epoch& e) {
    fmt::print(stderr, "epoch {:2}   loss {:.4f}   watched {:.4f}   {:.4f} right   {:.0f} s\n", e.number,
               e.loss_train, e.loss_held_out, e.accuracy_held_out, clock.seconds());
  }});
  return {
      trainer.kept(),
      {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]), Fit::keep_aspect}};
}

Part trained_reader(const BoxOptions& box, const Model& model, ThreadTeam& team) {
  std::vector<Dataset> parts = {hands_as_found(box, model, team)};
  if (!box.photographs.empty()) parts.push_back(hands_photographed(box, model, team));
  parts.push_back(hands_as_drawn(box, team));
  std::string line(reader_line);
  const std::string all = "classes 11";
  line.replace(line.find(all), all.size(), fmt::format("classes {}", classes_of(box).size()));
  return trained(line, joined(parts), box, team);
}

// A part of a model file: of one that this program wrote for an earlier part of its work, or of a model that
// finds hands. Or a new one, which is kept there.
template <class Train>
Part kept_or(const std::string& path, const std::string& name, const Train& train) {
  if (!path.empty() && std::filesystem::exists(path)) {
    const Model model = load_model(path);
    if (!model.parts.contains(name)) throw Error("has no part '" + name + "'", path, "Name another file");
    return model.parts.at(name);
  }
  Part part = train();
  if (path.empty()) return part;
  Model model;  // that answers nothing and only carries it
  model.network = Network::parse("global-pool", {1, 16, 16, 1}, 1);
  model.preprocessing = {16, 16, 1, Fit::keep_aspect};
  model.classes = {"0", "1"};
  model.parts[name] = part;
  save_model(model, path);
  return part;
}

// Pictures of other people's hands as they are held before a camera, and what the model says of them.
struct Judged {
  std::vector<int32_t> truth;
  Answers answers;
  Answers read;  // of the hands alone, as if it were sure that they are hands
};

Judged judged(const Model& model, const BoxOptions& box, ThreadTeam& team) {
  const Dataset drawn = hands_to_judge(box);
  const Predictor predictor(model);
  std::vector<Answer> answers(static_cast<size_t>(drawn.size()));
  const Pixels& pictures = drawn.pixels;
  team.run(drawn.size(),
           [&](int64_t i) { answers[static_cast<size_t>(i)] = predictor.answer(image_of(pictures, i)); });
  Judged judged{drawn.labels, {}, {}};
  const int64_t classes = std::ssize(model.classes);
  Tensor logits({1, classes}), out({1, classes});
  for (Answer& answer : answers) {
    judged.answers.append(answer);
    std::ranges::copy(answer.logits, logits.data());
    probabilities(logits, classes, out);
    answer.probabilities.assign(out.values().begin(), out.values().end());
    judged.read.append(answer);
  }
  return judged;
}

// Sureness so that it agrees with how often the reader is right; then the threshold that refuses one in a
// hundred of the digits that it reads rightly. To refuse one that it misreads costs nothing.
void set_answers(Model& model, const BoxOptions& box, ThreadTeam& team) {
  const Judged first = judged(model, box, team);
  model.temperature = fit_temperature(first.truth, first.read, std::ssize(first.truth));
  const auto [truth, answers, ignored] = judged(model, box, team);
  std::vector<float> sureness;
  for (size_t i = 0; i < truth.size(); ++i) {
    const auto signs = answers.of(i).first(model.classes.size() - 1);  // the last class is `none`
    const auto likeliest = std::ranges::max_element(signs);
    const bool found = *likeliest > 0;
    if (found && likeliest - signs.begin() == truth[i]) sureness.push_back(*likeliest);
  }
  if (sureness.empty()) return;  // it has not learned to read
  std::ranges::sort(sureness);
  model.rejection_threshold = static_cast<double>(
      sureness[static_cast<size_t>(refused_digits * static_cast<double>(sureness.size()))]);
}

Model make_box(const BoxOptions& box, ThreadTeam& team) {
  Model model;
  model.preprocessing = {reader_side, reader_side, 3, Fit::stretch};
  model.parts[std::string(finder_part)] = kept_or(box.finder, std::string(finder_part), [&] {
    return trained(finder_line, rooms_to_search(box, team), box, team);
  });
  model.network = kept_or(box.reader, "reader", [&] { return trained_reader(box, model, team); }).network;
  model.is_mirrored = true;  // a left and a right hand show the same digit
  model.is_half = true;
  model.classes = classes_of(box);
  model.none_class = model.classes.back();
  model.card = {
      {"origin",
       fmt::format("tools/make_box, seed {}: {} rooms for the finder, {} hands for the reader, {} epochs",
                   box.seed, box.finder_images, box.reader_images, box.epochs)},
      {"data",
       box.photographs.empty()
           ? "rendered hands, no photograph"
           : fmt::format("rendered hands, and {} pictures of rendered rooms with photographed hands in "
                         "them; no photograph of a room",
                         box.photographed_images)},
      {"reads", "pictures of any size, in grey or colour: finds the hand, then reads it"},
      {"refusal",
       "answers none of these for 1% of the rendered digits of other people that it would read rightly"}};
  model = model_from_bytes(model_bytes(model), "the model");  // as its file keeps it
  set_answers(model, box, team);
  return model;
}

}  // namespace
}  // namespace mudra

int main(int argc, char** argv) try {
  CLI::App app("Makes the model in the box anew");
  mudra::BoxOptions box;
  std::string out;
  app.option_defaults()->always_capture_default();
  app.add_option("OUT", out, "The model file")->required();
  app.add_option("--reader-images", box.reader_images, "Rendered hands the reader learns from");
  app.add_option("--finder-images", box.finder_images, "Rendered rooms the finder learns from");
  app.add_option("--judged-images", box.judged_images,
                 "Rendered hands of other people that set refusal and sureness");
  app.add_option("--photographs", box.photographs,
                 "A folder of hands before plain walls, put into rendered rooms for the reader")
      ->check(CLI::ExistingDirectory);
  app.add_option("--photographed-images", box.photographed_images, "So many such pictures");
  app.add_option("--epochs", box.epochs, "Passes over them");
  app.add_option("--seed", box.seed, "Of people, pictures and weights");
  app.add_option("--threads", box.threads, "The result does not depend on it");
  app.add_option("--reader", box.reader, "Keep the trained reader in this file, or take it from there");
  app.add_option("--finder", box.finder, "The same of the finder; a model that finds hands has one, too");
  app.add_option(
         "--without", box.without,
         "Digits the reader never sees, such as 3,6,8: to measure what it makes of signs that are new")
      ->delimiter(',')
      ->check(CLI::IsMember({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  CLI11_PARSE(app, argc, argv);
  mudra::ThreadTeam team(box.threads);
  const mudra::Model model = mudra::make_box(box, team);
  mudra::save_model(model, out);
  fmt::print("{}: {} bytes, temperature {:.3f}\n", out, mudra::model_bytes(model).size(), model.temperature);
} catch (const std::exception& error) {
  fmt::print(stderr, "make_box: {}\n", error.what());
  return 1;
}
