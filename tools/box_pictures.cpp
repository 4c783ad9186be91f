#include "tools/box_pictures.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "mudra/features/prepare.h"
#include "mudra/hands/finder.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/synth/photographed_hand.h"

namespace mudra {
namespace {

constexpr double rooms_of_none = 0.35, cuts_of_none = 0.18;
// Of the rooms in which hands are found for the reader: what the finder takes for a hand there is what a
// threshold has to refuse later.
constexpr double found_rooms_of_none = 0.6;
constexpr uint64_t other_people = 1000003;  // a seed nobody trains with

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

}  // namespace

std::vector<std::string> classes_of(const BoxOptions& box) {
  std::vector<std::string> classes;
  for (int digit = 0; digit < 10; ++digit) classes.push_back(std::to_string(digit));
  for (const std::string& digit : box.without) std::erase(classes, digit);
  classes.emplace_back(none_name);
  return classes;
}

Dataset rooms_to_search(const BoxOptions& box, ThreadTeam& team) {
  const SynthOptions synth = rooms("room", box.finder_images, finder_side, rooms_of_none, box.seed);
  Dataset data = render_hands(synth, team);
  data.targets = std::make_shared<FinderTargets>(synth);
  return data;
}

namespace {

// Hands and where their joints are, in the same order, without the digits that the reader is not to see.
Dataset to_read(Dataset data, const std::vector<Joints>& joints, const BoxOptions& box) {
  data.source_rows.clear();
  Dataset kept = data.keep_classes(classes_of(box));
  std::vector<Joints> of_kept;
  for (Row row = 0; row < kept.labels.size(); ++row) of_kept.push_back(joints[kept.source_row(row)]);
  kept.targets = std::make_shared<ReaderTargets>(kept.labels, std::move(of_kept));
  return kept;
}

}  // namespace

Dataset hands_as_drawn(const BoxOptions& box, ThreadTeam& team) {
  const SynthOptions synth = rooms("room-cut", box.reader_images, reader_side, cuts_of_none, box.seed);
  std::vector<Joints> all = joints_of(synth);
  const auto side = static_cast<float>(synth.size);
  for (Joints& joints : all) {
    for (Point& joint : joints) joint = {joint.x / side, joint.y / side};
  }
  return to_read(render_hands(synth, team), all, box);
}

namespace {

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

}  // namespace

Dataset hands_as_found(const BoxOptions& box, const Model& model, ThreadTeam& team) {
  const SynthOptions synth =
      rooms("room", box.reader_images / 6, photographed_side, found_rooms_of_none, box.seed + 1);
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

namespace {

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

}  // namespace

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

Dataset hands_to_judge(const BoxOptions& box) {
  const SynthOptions synth =
      rooms("room-cut", box.judged_images, photographed_side, cuts_of_none, other_people);
  return to_read(rendered_on_demand(synth), joints_of(synth), box);
}

}  // namespace mudra
