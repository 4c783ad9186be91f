#include "mudra/network/network.h"

#include <algorithm>

#include "mudra/core/did_you_mean.h"
#include "mudra/network/line.h"

namespace mudra {
namespace {

// What may be written for an item.
template <class... L>
std::vector<std::string> names(const std::variant<L...>*) {
  std::vector<std::string> all;
  (
      [&] {
        if (!IsMark<L>) all.emplace_back(L::kind);
      }(),
      ...);
  all.emplace_back("residual(...)");
  for (const NamedNetwork& named : named_networks()) all.emplace_back(named.name);
  return all;
}

template <class... L>
bool parse_as(const std::string& kind, Words& words, const Shape& shape, const std::variant<L...>*,
              AnyLayer& out) {
  const auto attempt = [&]<class One>() {
    if (kind != One::kind) return false;
    words.set_usage(One::usage);
    out = One::parse(words, shape);
    words.finish();
    return true;
  };
  return (attempt.template operator()<L>() || ...);
}

AnyLayer parse_item(const std::string& item, const Shape& shape, const Written& written) {
  constexpr const AnyLayer* list = nullptr;
  Words words(item, "", written);
  const std::string kind = words.take("the layer");
  AnyLayer layer = Flatten();
  if (parse_as(kind, words, shape, list, layer)) return layer;
  words.fail("no layer is called '" + kind + "'", did_you_mean(kind, names(list)));
}

// "16 channels of 28x28"
std::string in_words(const Shape& x) {
  if (x.rank() != 4) return std::to_string(x[1]) + " features";
  return std::to_string(x[3]) + " channels of " + std::to_string(x[1]) + "x" + std::to_string(x[2]);
}

// The layers of a shortcut that bring `from` to `to`.
std::string fitting_shortcut(const Shape& from, const Shape& to) {
  if (from.rank() == 2 && to.rank() == 2) return "dense " + std::to_string(to[1]);
  for (int64_t stride = 1; stride <= 16 && from.rank() == 4 && to.rank() == 4; ++stride) {
    if ((from[1] - 1) / stride + 1 != to[1] || (from[2] - 1) / stride + 1 != to[2]) continue;
    return "conv " + std::to_string(to[3]) + " 1x1" + (stride > 1 ? " stride " + std::to_string(stride) : "");
  }
  return {};
}

// Shapes on their way through the network.
class ShapeWalk {
 public:
  explicit ShapeWalk(const Shape& input) : now_(input) {}
  const Shape& now() const { return now_; }
  bool is_open() const { return !kept_.empty(); }

  void pass(const AnyLayer& layer, const Words& words) {
    if (std::holds_alternative<Fork>(layer)) return kept_.fork(now_);
    const bool shortcut = std::holds_alternative<Shortcut>(layer);
    if (!shortcut && !std::holds_alternative<Add>(layer)) {
      now_ = std::visit([&](const auto& l) { return l.output_shape(now_); }, layer);
      return;
    }
    if (kept_.empty()) words.refuse("nothing is kept here", "Write `residual(...)`");
    if (shortcut) return kept_.shortcut(now_);
    const Shape kept = kept_.add();
    if (kept == now_) return;
    const std::string fitting = fitting_shortcut(kept, now_);
    words.refuse("the two ways of the block do not fit: " + in_words(now_) + " and " + in_words(kept),
                 fitting.empty() ? "Bring both to one shape"
                                 : "Keep the shape inside, or end the block with ` | " + fitting + ")`");
  }

 private:
  Shape now_;
  MarkStack<Shape> kept_;
};

int64_t weights_of(AnyLayer& layer) {
  int64_t count = 0;
  const auto add = [&](auto& l) {
    for (const Parameter& p : l.parameters.list()) count += p.tensor->size();
  };
  std::visit(add, layer);
  return count;
}

// A dense layer takes the pixels of an image as they lie: its weights are in that order in memory, and
// flattening moves nothing.
void join_pixels(std::vector<AnyLayer>& layers) {
  if (layers.size() < 2) return;
  Flatten* flatten = std::get_if<Flatten>(&layers[layers.size() - 2]);
  Dense* dense = std::get_if<Dense>(&layers.back());
  if (!flatten || !dense || flatten->image.rank() != 4) return;
  flatten->is_followed = true;
  dense->parameters.height = flatten->image[1];
  dense->parameters.width = flatten->image[2];
}

}  // namespace

AnyLayer parse_layer(const std::string& item, const Shape& input) { return parse_item(item, input, {}); }

Network Network::parse(std::string_view line, const Shape& input, int64_t outputs) {
  Network network;
  network.input = input;
  ShapeWalk shape(input);
  int64_t weights = 0;
  const auto append = [&](const std::string& text, Written written) {
    written.number = network.layers.size() + 1;
    network.layers.push_back(parse_item(text, shape.now(), written));
    const Words words(text == Add::kind ? "residual(...)" : text, "", written);
    shape.pass(network.layers.back(), words);
    join_pixels(network.layers);
    weights += weights_of(network.layers.back());
    if (weights > most_weights || shape.now().per_example() > most_values) {
      words.refuse("the network becomes too large: " + std::to_string(weights) + " weights so far, " +
                       std::to_string(shape.now().per_example()) + " values an image",
                   "Use fewer units or filters, or a stride");
    }
  };
  const std::vector<LineItem> items = parse_line(line);
  for (const LineItem& item : items) {
    if (item.text.starts_with("dense") && shape.now().rank() == 4) append("flatten", item.written);
    append(item.text, item.written);
  }
  if (shape.is_open()) {
    throw LineError("a residual block is never closed", "network", "Write `residual(...)`",
                    items.back().written);
  }
  const Dense* last = std::get_if<Dense>(&network.layers.back());
  if (!last || last->out != outputs) {
    Written end = items.back().written;
    end.verbatim = false;
    if (shape.now().rank() == 4) append("flatten", end);
    append("dense " + std::to_string(outputs), end);
  }
  return network;
}

std::vector<std::string> Network::items() const {
  std::vector<std::string> items;
  for (const AnyLayer& layer : layers) {
    items.push_back(std::visit([](const auto& l) { return l.text(); }, layer));
  }
  return items;
}

std::string Network::text() const { return join_line(items()); }

void Network::initialize(Initialization initialization, uint64_t seed) {
  for (size_t i = 0; i < layers.size(); ++i) {
    Rng rng(seed, Purpose::initialize, 0, i);
    std::visit([&](auto& layer) { layer.initialize(initialization, rng); }, layers[i]);
  }
}

std::vector<Shape> Network::shapes(int64_t examples) const {
  Shape first = input;
  first[0] = examples;
  std::vector<Shape> all = {first};
  ShapeWalk walk(first);
  for (const AnyLayer& layer : layers) {
    walk.pass(layer, Words("", ""));
    all.push_back(walk.now());
  }
  return all;
}

int64_t Network::outputs() const { return shapes().back().per_example(); }

int64_t Network::parameter_count() const {
  int64_t count = 0;
  for (const Named& named : const_cast<Network*>(this)->parameters()) {
    if (named.trained) count += file_shape(named.parameter).elements();
  }
  return count;
}

int64_t Network::multiply_adds() const {
  const std::vector<Shape> inputs = shapes();
  int64_t count = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    count += std::visit([&](const auto& l) { return l.multiply_adds(inputs[i]); }, layers[i]);
  }
  return count;
}

std::vector<Network::Named> Network::parameters() {
  std::vector<Named> all;
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string prefix = std::to_string(i) + ".";
    std::visit(
        [&](auto& layer) {
          for (const Parameter& p : layer.parameters.list())
            all.push_back({prefix + std::string(p.name), p, true});
          for (const Parameter& p : layer.state.list())
            all.push_back({prefix + std::string(p.name), p, false});
        },
        layers[i]);
  }
  return all;
}

}  // namespace mudra
