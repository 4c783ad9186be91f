// Makes the model in the box anew: renders hands in rooms, trains a finder and a reader on them, sets what is
// refused and how sure answers are by hands of other people, and writes the model file. The same options give
// the same bytes, for any number of threads.
//
// make_box OUT.safetensors            a quarter of an hour on two processors with nothing else to do
// make_box OUT.safetensors --reader-images 2000 --finder-images 1000 --epochs 1        a small one, to try it
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <numeric>

#include "mudra/core/portable_math.h"
#include "mudra/core/stopwatch.h"
#include "mudra/hands/finder.h"
#include "mudra/inference/calibration.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/mudra.h"

namespace mudra {
namespace {

constexpr std::string_view finder_line =
    "conv 16 3x3, relu, pool 2, conv 24 3x3, relu, pool 2, conv 48 3x3, relu, conv 48 3x3, relu, pool 2, "
    "conv 64 3x3, relu, conv 64 3x3, relu, conv 64 3x3, relu, heads(presence 1, distance 9)";
constexpr std::string_view reader_line =
    "conv 32 3x3, relu, pool 2, conv 56 3x3, relu, conv 56 3x3, relu, pool 2, conv 80 3x3, relu, "
    "conv 80 3x3, relu, pool 2, conv 96 3x3, relu, pool 2, dense 96, relu, "
    "heads(classes 11, distance 42 weight 25)";
constexpr int finder_side = 96, finder_cells = 12, reader_side = 48;
constexpr double refused_digits = 0.01;
constexpr uint64_t other_people = 1000003;  // a seed nobody trains with

struct BoxOptions {
  int64_t reader_images = 240000, finder_images = 80000, judged_images = 10000;
  int epochs = 4;
  uint64_t seed = 1;
  int threads = 2;
  std::string reader, finder;        // networks trained before
  std::vector<std::string> without;  // digits that the reader never sees
};

using Joints = std::vector<Point>;  // empty where no hand is in the frame

std::vector<Joints> joints_of(const SynthOptions& synth) {
  std::vector<Joints> all(static_cast<size_t>(synth.count));
  for (int64_t i = 0; i < synth.count; ++i) {
    if (const auto joints = rendered_joints(synth, i)) {
      for (const auto& [x, y] : *joints) all[static_cast<size_t>(i)].push_back({x, y});
    }
  }
  return all;
}

// What the finder is to say of rendered rooms.
class FinderTargets final : public TargetSource {
 public:
  explicit FinderTargets(const SynthOptions& synth) : side_(synth.size), joints_(joints_of(synth)) {}
  Shape shape() const override { return {finder_cells, finder_cells, finder_targets}; }
  void read(int64_t image, float* out) const override {
    finder_targets_of(joints_[static_cast<size_t>(image)], side_, finder_cells, out);
  }

 private:
  int side_;
  std::vector<Joints> joints_;
};

// What the reader is to say of hands cut out: a class, and where the joints are if there is a hand.
class ReaderTargets final : public TargetSource {
 public:
  ReaderTargets(const SynthOptions& synth, std::vector<int32_t> labels)
      : side_(static_cast<float>(synth.size)), labels_(std::move(labels)), joints_(joints_of(synth)) {}
  Shape shape() const override { return {1, 1, 2 + 1 + 2 * hand_joints}; }
  void read(int64_t image, float* out) const override {
    const Joints& joints = joints_[static_cast<size_t>(image)];
    std::fill_n(out, shape().elements(), 0.F);
    *out++ = 1;
    *out++ = static_cast<float>(labels_[static_cast<size_t>(image)]);
    *out++ = joints.empty() ? 0 : 1;
    for (const Point joint : joints) {
      *out++ = said_of_cut(joint.x / side_);
      *out++ = said_of_cut(joint.y / side_);
    }
  }

 private:
  float side_;
  std::vector<int32_t> labels_;
  std::vector<Joints> joints_;
};

SynthOptions rooms(std::string domain, int64_t count, int size, double none, uint64_t seed) {
  return {.count = count,
          .size = size,
          .seed = seed,
          .none_fraction = none,
          .domain = std::move(domain),
          .colour = true};
}

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

Part trained_finder(const BoxOptions& box, ThreadTeam& team) {
  const SynthOptions synth = rooms("room", box.finder_images, finder_side, 0.3, box.seed);
  Dataset data = render_hands(synth, team);
  data.targets = std::make_shared<FinderTargets>(synth);
  return trained(finder_line, data, box, team);
}

// Hands cut out for the reader, but those that show a digit it is not to see.
Dataset hands_to_read(const BoxOptions& box, int64_t count, uint64_t seed, ThreadTeam& team) {
  const SynthOptions synth = rooms("room-cut", count, reader_side, 0.18, seed);
  const Dataset data = render_hands(synth, team);
  std::vector<std::string> seen = data.classes;
  for (const std::string& digit : box.without) std::erase(seen, digit);
  Dataset kept = data.keep_classes(seen);
  std::vector<int32_t> labels(data.labels.size(), 0);  // as kept images are labelled
  for (Row row = 0; row < kept.labels.size(); ++row) labels[kept.source_row(row)] = kept.labels[row];
  kept.targets = select_targets(std::make_shared<ReaderTargets>(synth, std::move(labels)), kept.source_rows);
  return kept;
}

Part trained_reader(const BoxOptions& box, ThreadTeam& team) {
  const Dataset data = hands_to_read(box, box.reader_images, box.seed, team);
  std::string line(reader_line);
  const std::string all = "classes 11";
  line.replace(line.find(all), all.size(), fmt::format("classes {}", data.classes.size()));
  return trained(line, data, box, team);
}

// The network of a file that this program wrote for an earlier part of its work, or a new one.
template <class Train>
Part kept_or(const std::string& path, const Train& train) {
  constexpr const char* name = "network";
  if (!path.empty() && std::filesystem::exists(path)) return load_model(path).parts.at(name);
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

// Raises or lowers the reader's logit of "none" until one in a hundred of the digits in `data` is refused.
void set_refusal(Model& model, const Dataset& data, std::span<const Row> rows, ThreadTeam& team) {
  const size_t none = data.classes.size() - 1;
  const Answers answers = Predictor(model).answers(data, rows, team);  // at temperature 1
  const auto log_of = [&](size_t image, size_t c) {
    return portable::log(std::max(1e-30, static_cast<double>(answers.probability(image, c))));
  };
  std::vector<double> ahead;  // by how much none is, of the likeliest digit
  for (size_t i = 0; i < answers.size(); ++i) {
    if (data.labels[i] == static_cast<int32_t>(none)) continue;
    double digit = log_of(i, 0);
    for (size_t c = 1; c < none; ++c) digit = std::max(digit, log_of(i, c));
    ahead.push_back(log_of(i, none) - digit);
  }
  std::ranges::sort(ahead, std::greater());
  const double by = ahead[static_cast<size_t>(static_cast<double>(ahead.size()) * refused_digits)];
  const std::string last = std::to_string(model.network.layers.size() - 1) + ".bias";
  for (Network::Named& named : model.network.parameters()) {
    if (named.name == last) (*named.parameter.tensor)[static_cast<int64_t>(none)] -= static_cast<Scalar>(by);
  }
}

Model make_box(const BoxOptions& box, ThreadTeam& team) {
  const Part reader = kept_or(box.reader, [&] { return trained_reader(box, team); });
  Model model;
  model.network = reader.network;
  model.preprocessing = {reader_side, reader_side, 3, Fit::stretch};
  model.parts[std::string(finder_part)] = kept_or(box.finder, [&] { return trained_finder(box, team); });
  model.is_mirrored = true;  // a left and a right hand show the same digit
  model.is_half = true;
  const Dataset judged = hands_to_read(box, box.judged_images, other_people, team);
  model.classes = judged.classes;
  model.none_class = judged.classes.back();
  model.card = {
      {"origin",
       fmt::format("tools/make_box, seed {}: {} rooms for the finder, {} hands for the reader, {} epochs",
                   box.seed, box.finder_images, box.reader_images, box.epochs)},
      {"data", "rendered hands, no photograph"},
      {"reads", "pictures of any size, in grey or colour: finds the hand, then reads it"},
      {"refusal", "answers none of these for 1% of rendered digits of people it was not trained on"}};
  std::vector<Row> rows(static_cast<size_t>(judged.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  const auto rounded = [&] {
    return model_from_bytes(model_bytes(model), "the model");
  };  // as its file keeps it
  model = rounded();
  set_refusal(model, judged, rows, team);
  model = rounded();
  model.temperature =
      fit_temperature(judged.labels, Predictor(model).answers(judged, rows, team), judged.size());
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
  app.add_option("--epochs", box.epochs, "Passes over them");
  app.add_option("--seed", box.seed, "Of people, pictures and weights");
  app.add_option("--threads", box.threads, "The result does not depend on it");
  app.add_option("--reader", box.reader, "Keep the trained reader in this file, or take it from there");
  app.add_option("--finder", box.finder, "The same of the finder");
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
