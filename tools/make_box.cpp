// Makes the model in the box anew: renders hands in rooms, trains a finder and a reader on them, sets what is
// refused and how sure answers are by hands of other people, and writes the model file. The same options give
// the same bytes, for any number of threads.
//
// make_box OUT.safetensors --photographs DATA/ankara     an hour on two processors with nothing else to do
// make_box OUT.safetensors --reader-images 2000 --finder-images 1000 --epochs 1        a small one, to try it
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>

#include "mudra/core/stopwatch.h"
#include "mudra/features/prepare.h"
#include "mudra/hands/finder.h"
#include "mudra/inference/calibration.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/mudra.h"
#include "mudra/network/loss.h"
#include "mudra/synth/photographed_hand.h"

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
  int64_t reader_images = 440000, finder_images = 180000, photographed_images = 100000, judged_images = 10000;
  int epochs = 5;
  uint64_t seed = 1;
  int threads = 2;
  std::string photographs;           // a folder of hands before plain walls; or none
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

std::vector<std::string> classes_of(const BoxOptions& box) {
  std::vector<std::string> classes;
  for (int digit = 0; digit < 10; ++digit) classes.push_back(std::to_string(digit));
  for (const std::string& digit : box.without) std::erase(classes, digit);
  classes.emplace_back(none_name);
  return classes;
}

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
  data.source_rows.clear();
  Dataset kept = data.keep_classes(classes_of(box));
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

// Hands cut out of pictures, gathered for the reader.
struct Gathered {
  std::vector<uint8_t> bytes;
  std::vector<int32_t> labels;
  std::vector<Joints> joints;  // in parts of the cut

  void add(const HandCut& cut, int32_t label, Joints seen) {
    bytes.insert(bytes.end(), cut.image.bytes.begin(), cut.image.bytes.end());
    labels.push_back(label);
    joints.push_back(std::move(seen));
  }

  Dataset data(std::vector<std::string> classes, const BoxOptions& box) && {
    Dataset data;
    data.pixels = Pixels({std::ssize(labels), reader_side, reader_side, 3}, std::move(bytes));
    data.classes = std::move(classes);
    data.labels = std::move(labels);
    return to_read(std::move(data), joints, box);
  }
};

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

// Hands over what is cut out of each of `count` pictures, in order.
void cut_out_all(const HandCutter& cutter, int64_t count, const std::function<Image(int64_t)>& picture,
                 ThreadTeam& team, const std::function<void(int64_t, const HandCut&)>& take) {
  constexpr int64_t together = 1000;
  std::vector<HandCuts> cuts(together);
  for (int64_t first = 0; first < count; first += together) {
    const int64_t part = std::min(together, count - first);
    team.run(part, [&](int64_t i) { cuts[static_cast<size_t>(i)] = cutter.cut_out(picture(first + i)); });
    for (int64_t i = 0; i < part; ++i)
      for (const HandCut& cut : cuts[static_cast<size_t>(i)].looks) take(first + i, cut);
  }
}

// Rooms as the finder cuts them, with its mistakes: what it takes for a hand is no digit, and a digit that it
// cuts so that nobody could read it is left out.
Dataset hands_as_found(const BoxOptions& box, const Model& model, ThreadTeam& team) {
  const SynthOptions synth =
      rooms("room", box.reader_images / 8, photographed_side, rooms_of_none, box.seed + 1);
  const Dataset drawn = rendered_on_demand(synth);
  const std::vector<Joints> joints = joints_of(synth);
  const auto none = static_cast<int32_t>(drawn.classes.size()) - 1;
  Gathered gathered;
  const auto picture = [&](int64_t i) { return image_of(drawn.pixels, i); };
  cut_out_all(HandCutter(model), synth.count, picture, team, [&](int64_t i, const HandCut& cut) {
    const auto row = static_cast<size_t>(i);
    Joints seen = joints[row];
    for (Point& joint : seen) joint = to_cut(joint, cut.hand.view, 1);
    if (!holds_hand(seen)) seen.clear();
    if (!seen.empty() || drawn.labels[row] == none) gathered.add(cut, drawn.labels[row], std::move(seen));
  });
  return std::move(gathered).data(drawn.classes, box);
}

// Of signers whose number leaves this rest when it is divided by three, no photograph is used: they are there
// to measure by.
constexpr int measured_signers = 2;

bool is_measured(const std::string& signer) {
  const size_t digits = signer.find_first_of("0123456789");
  return digits != signer.npos && std::stol(signer.substr(digits)) % 3 == measured_signers;
}

struct Photograph {
  PhotographedHand hand;
  int sign;
};

std::vector<Photograph> photographed_hands(const std::string& folder) {
  const Dataset data = read_dataset(folder, {.channels = 3, .groups = folder + "/groups.csv"});
  std::vector<Photograph> hands;
  for (Row row = 0; row < data.labels.size(); ++row) {
    if (is_measured(data.group_names[static_cast<size_t>(data.groups[row])])) continue;
    const std::string& sign = data.classes[static_cast<size_t>(data.labels[row])];
    if (auto hand = cut_out_of_wall(image_of(data.pixels, row)))
      hands.push_back({std::move(*hand), std::stoi(sign)});
  }
  if (hands.empty()) throw Error("shows no hand before a plain wall", folder);
  return hands;
}

// The box of what is more hand than not.
HandBox extent_of(const RenderedHand& hand) {
  HandBox extent{photographed_side, photographed_side, 0, 0};
  for (int i = 0; i < photographed_side * photographed_side; ++i) {
    if (hand.mask[static_cast<size_t>(i)] < 128) continue;
    const auto x = static_cast<float>(i % photographed_side), y = static_cast<float>(i / photographed_side);
    extent = {std::min(extent.left, x), std::min(extent.top, y), std::max(extent.right, x + 1),
              std::max(extent.bottom, y + 1)};
  }
  return extent;
}

// Whether the finder's box lies on the hand, whose arm is seen, too, and is not just a part of it.
bool holds_photographed(const HandBox& box, const HandBox& extent) {
  const auto area = [](const HandBox& b) {
    return std::max(0.F, b.right - b.left) * std::max(0.F, b.bottom - b.top);
  };
  const float both = area({std::max(box.left, extent.left), std::max(box.top, extent.top),
                           std::min(box.right, extent.right), std::min(box.bottom, extent.bottom)});
  return both > 0.75F * area(box) && both > 0.3F * area(extent);
}

// Hands of real people in rendered rooms, as the finder cuts them; their joints are not known.
Dataset hands_photographed(const BoxOptions& box, const Model& model, ThreadTeam& team) {
  const std::vector<Photograph> hands = photographed_hands(box.photographs);
  const auto hand_of = [&](int64_t i) -> const Photograph& {
    return hands[static_cast<size_t>(i) % hands.size()];
  };
  std::vector<HandBox> extents(static_cast<size_t>(box.photographed_images));
  Gathered gathered;
  const auto picture = [&](int64_t i) {
    RenderedHand rendered =
        render_photographed(hand_of(i).hand, hand_of(i).sign, photographed_side, box.seed, i);
    extents[static_cast<size_t>(i)] = extent_of(rendered);
    return Image{photographed_side, photographed_side, 3, std::move(rendered.pixels)};
  };
  cut_out_all(HandCutter(model), box.photographed_images, picture, team, [&](int64_t i, const HandCut& cut) {
    if (holds_photographed(cut.hand.box, extents[static_cast<size_t>(i)]))
      gathered.add(cut, hand_of(i).sign, {});
  });
  return std::move(gathered).data(classes_of({}), box);
}

Part trained_reader(const BoxOptions& box, const Model& model, ThreadTeam& team) {
  std::vector<Dataset> parts = {hands_as_found(box, model, team)};
  if (!box.photographs.empty()) parts.push_back(hands_photographed(box, model, team));
  parts.push_back(hands_as_drawn(box, box.reader_images, box.seed, team));
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
  const SynthOptions synth =
      rooms("room-cut", box.judged_images, photographed_side, cuts_of_none, other_people);
  const Dataset drawn = to_read(rendered_on_demand(synth), joints_of(synth), box);
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
    if (likeliest - signs.begin() == truth[i]) sureness.push_back(*likeliest);
  }
  std::ranges::sort(sureness);
  model.rejection_threshold = static_cast<double>(
      sureness[static_cast<size_t>(refused_digits * static_cast<double>(sureness.size()))]);
}

Model make_box(const BoxOptions& box, ThreadTeam& team) {
  Model model;
  model.preprocessing = {reader_side, reader_side, 3, Fit::stretch};
  model.parts[std::string(finder_part)] =
      kept_or(box.finder, std::string(finder_part), [&] { return trained_finder(box, team); });
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
