// Makes the model in the box anew: renders hands in rooms, trains a finder and a reader on them, sets what is
// refused and how sure answers are by hands of other people, and writes the model file. The same options give
// the same bytes, for any number of threads.
//
// make_box OUT.safetensors            an hour on two processors with nothing else to do
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
    "conv 16 3x3, relu, pool 2, conv 24 3x3, relu, pool 2, conv 40 3x3, relu, conv 40 3x3, relu, pool 2, "
    "conv 48 3x3, relu, conv 48 3x3, relu, pool 2, "
    "conv 52 3x3, relu, conv 52 3x3, relu, conv 52 3x3, relu, heads(presence 1, distance 9)";
constexpr std::string_view reader_line =
    "conv 32 3x3, relu, pool 2, conv 56 3x3, relu, conv 56 3x3, relu, pool 2, conv 80 3x3, relu, "
    "conv 80 3x3, relu, pool 2, conv 96 3x3, relu, conv 96 3x3, relu, pool 2, dense 64, relu, "
    "heads(classes 11, distance 42 weight 25)";
constexpr int finder_side = 96, finder_cells = 6, reader_side = 48;
constexpr int photographed_side = 160;  // of rooms in which hands are found
constexpr double rooms_of_none = 0.35, cuts_of_none = 0.18;
constexpr double refused_digits = 0.01;
constexpr uint64_t other_people = 1000003;  // a seed nobody trains with

struct BoxOptions {
  int64_t reader_images = 520000, finder_images = 180000, judged_images = 10000;
  int epochs = 5;
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

// What the reader is to say of hands cut out: a class, and where the joints are, in parts of the cut, if
// there is a hand.
class ReaderTargets final : public TargetSource {
 public:
  ReaderTargets(std::vector<int32_t> labels, std::vector<Joints> joints)
      : labels_(std::move(labels)), joints_(std::move(joints)) {}
  Shape shape() const override { return {1, 1, 2 + 1 + 2 * hand_joints}; }
  void read(int64_t image, float* out) const override {
    const Joints& joints = joints_[static_cast<size_t>(image)];
    std::fill_n(out, shape().elements(), 0.F);
    *out++ = 1;
    *out++ = static_cast<float>(labels_[static_cast<size_t>(image)]);
    *out++ = joints.empty() ? 0 : 1;
    for (const Point joint : joints) {
      *out++ = said_of_cut(joint.x);
      *out++ = said_of_cut(joint.y);
    }
  }

 private:
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
  const SynthOptions synth = rooms("room", box.finder_images, finder_side, rooms_of_none, box.seed);
  Dataset data = render_hands(synth, team);
  data.targets = std::make_shared<FinderTargets>(synth);
  return trained(finder_line, data, box, team);
}

// Hands and where their joints are, in the same order, without the digits that the reader is not to see.
Dataset to_read(Dataset data, const std::vector<Joints>& joints, const BoxOptions& box) {
  std::vector<std::string> seen = data.classes;
  for (const std::string& digit : box.without) std::erase(seen, digit);
  data.source_rows.clear();
  Dataset kept = data.keep_classes(seen);
  std::vector<Joints> of_kept;
  for (Row row = 0; row < kept.labels.size(); ++row) of_kept.push_back(joints[kept.source_row(row)]);
  kept.targets = std::make_shared<ReaderTargets>(kept.labels, std::move(of_kept));
  return kept;
}

Dataset hands_as_drawn(const BoxOptions& box, int64_t count, uint64_t seed, ThreadTeam& team) {
  const SynthOptions synth = rooms("room-cut", count, reader_side, cuts_of_none, seed);
  std::vector<Joints> all = joints_of(synth);
  const auto side = static_cast<float>(synth.size);
  for (Joints& joints : all) {
    for (Point& joint : joints) joint = {joint.x / side, joint.y / side};
  }
  return to_read(render_hands(synth, team), all, box);
}

// Whether somebody who sees the cut sees the hand.
bool holds_hand(const Joints& joints) {
  if (joints.empty()) return false;
  float top = 1, bottom = 0;
  for (const auto [x, y] : joints) {
    if (std::min(x, y) < -0.1F || std::max(x, y) > 1.1F) return false;
    top = std::min(top, y);
    bottom = std::max(bottom, y);
  }
  return bottom - top > 0.3F;
}

// Rooms as the finder cuts them, with its mistakes: what it takes for a hand is no digit, and a digit that it
// cuts so that nobody could read it is left out.
Dataset hands_as_found(const BoxOptions& box, const Model& model, ThreadTeam& team) {
  const SynthOptions synth =
      rooms("room", box.reader_images / 8, photographed_side, rooms_of_none, box.seed + 1);
  Dataset data = rendered_on_demand(synth);  // for its labels
  const std::vector<Joints> drawn = joints_of(synth);
  const HandCutter cutter(model);
  std::vector<HandCut> part;
  std::vector<uint8_t> bytes;
  std::vector<Row> kept;
  std::vector<Joints> joints;
  int64_t first = 0;
  render_parts(synth, team, {}, [&](std::span<const uint8_t> rendered) {
    const size_t each = size_t{3} * photographed_side * photographed_side;
    part.resize(rendered.size() / each);
    team.run(std::ssize(part), [&](int64_t i) {
      const auto picture = rendered.subspan(static_cast<size_t>(i) * each, each);
      part[static_cast<size_t>(i)] =
          cutter.cut_out({photographed_side, photographed_side, 3, {picture.begin(), picture.end()}});
    });
    for (const HandCut& cut : part) {
      const auto row = static_cast<size_t>(first++);
      if (!cut.hand) continue;
      Joints seen = drawn[row];
      for (Point& joint : seen) joint = to_cut(joint, cut.hand->view, 1);
      if (!holds_hand(seen)) {
        if (data.labels[row] + 1 != std::ssize(data.classes)) continue;
        seen.clear();
      }
      kept.push_back(static_cast<Row>(row));
      joints.push_back(std::move(seen));
      bytes.insert(bytes.end(), cut.image.bytes.begin(), cut.image.bytes.end());
    }
    return true;
  });
  data = data.select(kept);
  data.pixels = Pixels({data.pixels.count(), reader_side, reader_side, 3}, std::move(bytes));
  return to_read(std::move(data), joints, box);
}

Part trained_reader(const BoxOptions& box, const Model& model, ThreadTeam& team) {
  const Dataset parts[] = {hands_as_found(box, model, team),
                           hands_as_drawn(box, box.reader_images, box.seed, team)};
  std::string line(reader_line);
  const std::string all = "classes 11";
  line.replace(line.find(all), all.size(), fmt::format("classes {}", parts[0].classes.size()));
  return trained(line, joined(parts), box, team);
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
  Model model;
  model.preprocessing = {reader_side, reader_side, 3, Fit::stretch};
  model.parts[std::string(finder_part)] = kept_or(box.finder, [&] { return trained_finder(box, team); });
  model.network = kept_or(box.reader, [&] { return trained_reader(box, model, team); }).network;
  model.is_mirrored = true;  // a left and a right hand show the same digit
  model.is_half = true;
  const Dataset judged = hands_as_drawn(box, box.judged_images, other_people, team);
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
