// Makes the model in the box, from rendered hands alone, and measures it on photographs.
//
// make_box finder OUT [option=value ...]      trains the finder
// make_box reader OUT [option=value ...]      trains the reader
// make_box read FINDER READER FILE ...        what they see, one line a file
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>

#include "mudra/core/portable_math.h"
#include "mudra/core/stopwatch.h"
#include "mudra/data/byte_source.h"
#include "mudra/data/image_file.h"
#include "mudra/features/prepare.h"
#include "mudra/hands/finder.h"
#include "mudra/inference/calibration.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/inference/inference.h"
#include "mudra/mudra.h"
#include "mudra/network/heads.h"
#include "mudra/network/model.h"

namespace mudra {
namespace {

using Values = std::map<std::string, std::string>;

std::string value(const Values& values, const std::string& name, const std::string& otherwise) {
  const auto found = values.find(name);
  return found == values.end() ? otherwise : found->second;
}
double number(const Values& values, const std::string& name, double otherwise) {
  const auto found = values.find(name);
  return found == values.end() ? otherwise : std::atof(found->second.c_str());
}

std::vector<Point> points(const std::array<std::array<float, 2>, 21>& joints) {
  std::vector<Point> all;
  for (const auto& [x, y] : joints) all.push_back({x, y});
  return all;
}

// What rendered frames are to give at the finder's cells.
class FrameTargets final : public TargetSource {
 public:
  FrameTargets(const SynthOptions& synth, int cells) : synth_(synth), cells_(cells) {
    for (int64_t i = 0; i < synth.count; ++i) {
      const auto joints = rendered_joints(synth, i);
      joints_.push_back(joints ? points(*joints) : std::vector<Point>{});
    }
  }
  Shape shape() const override { return {cells_, cells_, finder_targets}; }
  void read(int64_t image, float* out) const override {
    finder_targets_of(joints_[static_cast<size_t>(image)], synth_.size, cells_, out);
  }

 private:
  SynthOptions synth_;
  int cells_;
  std::vector<std::vector<Point>> joints_;
};

class CutTargets final : public TargetSource {
 public:
  CutTargets(const SynthOptions& synth, const std::vector<int32_t>& labels) : labels_(labels) {
    const auto side = static_cast<float>(synth.size);
    for (int64_t i = 0; i < synth.count; ++i) {
      const auto joints = rendered_joints(synth, i);
      std::vector<float> values(1 + 2 * hand_joints);
      if (joints) {
        values[0] = 1;
        for (size_t j = 0; j < hand_joints; ++j) {
          for (size_t k = 0; k < 2; ++k) values[1 + 2 * j + k] = said_of_cut((*joints)[j][k] / side);
        }
      }
      targets_.push_back(std::move(values));
    }
  }
  Shape shape() const override { return {1, 1, 2 + 1 + 2 * hand_joints}; }
  void read(int64_t image, float* out) const override {
    out[0] = 1;
    out[1] = static_cast<float>(labels_[static_cast<size_t>(image)]);
    std::ranges::copy(targets_[static_cast<size_t>(image)], out + 2);
  }

 private:
  std::vector<int32_t> labels_;
  std::vector<std::vector<float>> targets_;
};

Network train(Dataset data, const std::string& line, const Values& values, ThreadTeam& team) {
  const auto seed = static_cast<uint64_t>(number(values, "seed", 1));
  const Shape& shape = data.pixels.shape();
  Network network = Network::parse(line, {1, shape[1], shape[2], shape[3]}, 2);
  network.initialize(Initialization::he, seed);
  fmt::print(stderr, "{} weights, {:.1f} million multiply-adds\n", network.parameter_count(),
             static_cast<double>(network.multiply_adds()) * 1e-6);
  TrainingOptions options;
  options.learning_rate = number(values, "rate", 0.003);
  options.schedule = ScheduleKind::cosine;
  options.warm_up = 0.1;
  options.ema = number(values, "ema", 0.999);
  options.clip = number(values, "clip", 0);
  options.label_smoothing = number(values, "smoothing", 0.05);
  options.weight_decay = number(values, "decay", 0);
  options.epochs = static_cast<int>(number(values, "epochs", 5));
  Fold fold;
  for (Row row = 0; row < static_cast<Row>(data.size()); ++row)
    (row + 2000 < static_cast<Row>(data.size()) ? fold.train : fold.test).push_back(row);
  Trainer trainer(std::move(network), data, fold, options, seed, team);
  const Stopwatch clock;
  trainer.run({.epoch = [&](const Trainer&, const Epoch& e) {
    fmt::print(stderr, "epoch {:2} train {:.4f} held out {:.4f} accuracy {:.4f}  {:.0f} s\n", e.number,
               e.loss_train, e.loss_held_out, e.accuracy_held_out, clock.seconds());
  }});
  return trainer.kept();
}

Model wrap(Network network, int side) {
  Model model;
  model.network = Network::parse("global-pool", {1, 16, 16, 1}, 1);
  model.classes = {"a", "b"};
  model.preprocessing = {16, 16, 1, Fit::keep_aspect};
  model.parts["network"] = {std::move(network), {side, side, 3, Fit::keep_aspect}};
  return model;
}

SynthOptions synth_of(const Values& values, const std::string& domain, int size, int64_t count) {
  SynthOptions synth;
  synth.count = static_cast<int64_t>(number(values, "images", static_cast<double>(count)));
  synth.size = static_cast<int>(number(values, "size", size));
  synth.seed = static_cast<uint64_t>(number(values, "seed", 1));
  synth.none_fraction = number(values, "none", 0.15);
  synth.domain = domain;
  synth.colour = true;
  return synth;
}

void train_finder(const std::string& out, const Values& values, ThreadTeam& team) {
  SynthOptions synth = synth_of(values, "room", 96, 60000);
  if (!values.contains("none")) synth.none_fraction = 0.3;
  Dataset data = render_hands(synth, team);
  const std::string line =
      value(values, "net",
            "conv 16 3x3, relu, pool 2, conv 24 3x3, relu, pool 2, conv 48 3x3, relu, conv 48 3x3, relu, "
            "pool 2, conv 64 3x3, relu, conv 64 3x3, relu, conv 64 3x3, relu");
  const int cells = synth.size / static_cast<int>(number(values, "stride", 8));
  data.targets = std::make_shared<FrameTargets>(synth, cells);
  fmt::print(stderr, "rendered\n");
  save_model(wrap(train(std::move(data),
                        line + fmt::format(", heads(presence 1, distance {} weight {})", finder_distances,
                                           value(values, "weight", "1")),
                        values, team),
                  synth.size),
             out);
}

void train_reader(const std::string& out, const Values& values, ThreadTeam& team) {
  const SynthOptions synth = synth_of(values, "room-cut", 48, 120000);
  Dataset data = render_hands(synth, team);
  data.targets = std::make_shared<CutTargets>(synth, data.labels);
  fmt::print(stderr, "rendered\n");
  const std::string line =
      value(values, "net",
            "conv 32 3x3, relu, pool 2, conv 56 3x3, relu, conv 56 3x3, relu, pool 2, conv 80 3x3, relu, "
            "conv 80 3x3, relu, pool 2, conv 96 3x3, relu, pool 2, dense 96, relu");
  const std::string joints = value(values, "joints", "1");
  const std::string heads = joints == "0" ? ", heads(classes 11, distance 42 weight 0.000001)"
                                          : fmt::format(", heads(classes 11, distance 42 weight {})", joints);
  save_model(wrap(train(std::move(data), line + heads, values, team), synth.size), out);
}

// Raises or lowers the reader's logit of "none" until one in a hundred of the digits kept back is refused.
void set_refusal(Model& model, const Dataset& data, std::span<const Row> rows, ThreadTeam& team) {
  const size_t none = data.classes.size() - 1;
  const Answers answers = Predictor(model).answers(data, rows, team);  // at temperature 1
  std::vector<double> ahead;  // by how much none is, of the likeliest digit
  for (size_t i = 0; i < answers.size(); ++i) {
    if (data.labels[i] == static_cast<int32_t>(none)) continue;
    double digit = 0;
    for (size_t c = 0; c < none; ++c) digit = std::max(digit, static_cast<double>(answers.probability(i, c)));
    ahead.push_back(portable::log(std::max(1e-30, static_cast<double>(answers.probability(i, none)))) -
                    portable::log(std::max(1e-30, digit)));
  }
  std::ranges::sort(ahead, std::greater());
  const double by = ahead[ahead.size() / 100];
  for (Network::Named& named : model.network.parameters()) {
    if (named.name == std::to_string(model.network.layers.size() - 1) + ".bias")
      (*named.parameter.tensor)[static_cast<int64_t>(none)] -= static_cast<Scalar>(by);
  }
  fmt::print(stderr, "none is moved by {:.3f}\n", -by);
}

// The model in the box of a finder and a reader that are trained.
void join(const std::string& out, const std::string& finder, const std::string& reader, const Values& values,
          ThreadTeam& team) {
  Model model;
  const Part part = load_model(reader).parts.at("network");
  model.network = part.network;
  model.preprocessing = part.preprocessing;
  model.preprocessing.fit = Fit::stretch;
  if (finder != "none") model.parts[std::string(finder_part)] = load_model(finder).parts.at("network");
  SynthOptions synth = synth_of(values, "room-cut", part.preprocessing.height, 10000);
  synth.seed = 1000003;  // people nobody was trained on
  Dataset data = render_hands(synth, team);
  model.classes = data.classes;
  model.is_half = true;
  model.none_class = "none";
  std::vector<Row> rows(static_cast<size_t>(data.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  model = model_from_bytes(model_bytes(model), out);  // as half precision leaves it
  set_refusal(model, data, rows, team);
  model = model_from_bytes(model_bytes(model), out);
  model.temperature = fit_temperature(data.labels, Predictor(model).answers(data, rows, team), data.size());
  fmt::print(stderr, "temperature {:.3f}\n", model.temperature);
  save_model(model, out);
  fmt::print(stderr, "{} bytes\n", model_bytes(model).size());
}

struct Runner {
  explicit Runner(const std::string& path)
      : model(load_model(path)),
        part(model.parts.at("network")),
        plan(part.network, 1, Plan::Mode::infer),
        x(part.network.input),
        team(1) {}
  const Scalar* run(const Image& image) {
    prepare(image, part.preprocessing, x.data());
    return plan.infer(part.network, x, Context{team}).data();
  }
  int side() const { return part.preprocessing.height; }
  Model model;
  Part& part;
  Plan plan;
  Tensor x;
  ThreadTeam team;
};

void read(const std::string& finder_path, const std::string& reader_path,
          const std::vector<std::string>& files) {
  Runner finder(finder_path), reader(reader_path);
  const int side = finder.side(), rounds = 2;
  for (const std::string& file : files) {
    const auto source = open_file(file);
    std::vector<char> bytes(source->size());
    source->read_at(0, bytes.data(), bytes.size());
    const Image picture =
        decode_image({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, file, 3);
    const Scalar* map = finder.run(picture);
    const int cells = side / 8;
    const FoundHand found = in_picture(found_hand(map, side, cells), side, picture.height, picture.width);
    HandView view = found.view;
    const HandView first = view;
    std::vector<double> sums(11);
    std::array<Point, hand_joints> joints{};
    for (int round = 0; round < rounds; ++round) {
      const Scalar* out = reader.run(cut(picture, view, reader.side()));
      double total = 0;
      std::vector<double> p(11);
      for (int c = 0; c < 11; ++c) total += p[c] = std::exp(static_cast<double>(out[c]));
      if (round == 0 || rounds > 1)
        for (int c = 0; c < 11; ++c) sums[c] = p[c] / total;
      for (int j = 0; j < hand_joints; ++j) {
        const auto s = static_cast<float>(reader.side());
        joints[j] = from_cut({(static_cast<float>(out[11 + 2 * j]) / joint_scale + 0.5f) * s,
                              (static_cast<float>(out[12 + 2 * j]) / joint_scale + 0.5f) * s},
                             view, reader.side());
      }
      const HandView next = view_of(joints);
      if (round == 0)
        fmt::print("{} {:.3f} {:.1f} {:.1f} {:.1f} {:.2f} {:.2f} A", file, found.presence, first.middle.x,
                   first.middle.y, first.size, first.up.x, first.up.y);
      if (round > 0) fmt::print(" B");
      for (const double q : sums) fmt::print(" {:.3f}", q);
      view = next;
    }
    fmt::print(" J {:.1f} {:.1f} {:.1f} {:.1f}\n", found.box.left, found.box.top, found.box.right,
               found.box.bottom);
  }
}

}  // namespace
}  // namespace mudra

int main(int argc, char** argv) try {
  const std::string what = argc > 1 ? argv[1] : "";
  std::vector<std::string> rest(argv + std::min(argc, 2), argv + argc);
  mudra::Values values;
  for (const std::string& text : rest) {
    const size_t is = text.find('=');
    if (is != text.npos) values[text.substr(0, is)] = text.substr(is + 1);
  }
  mudra::ThreadTeam team(std::atoi(mudra::value(values, "threads", "2").c_str()));
  if (what == "finder") mudra::train_finder(rest.at(0), values, team);
  if (what == "reader") mudra::train_reader(rest.at(0), values, team);
  if (what == "join") mudra::join(rest.at(0), rest.at(1), rest.at(2), values, team);
  if (what == "read") mudra::read(rest.at(0), rest.at(1), {rest.begin() + 2, rest.end()});
} catch (const std::exception& error) {
  fmt::print(stderr, "make_box: {}\n", error.what());
  return 1;
}
