#include "mudra/network/network.h"

#include <algorithm>

#include "mudra/core/did_you_mean.h"
#include "mudra/network/graph.h"
#include "mudra/network/line.h"

namespace mudra {
namespace {

// What may be written for an item.
template <class... L>
std::vector<std::string> names(const std::variant<L...>*) {
  std::vector<std::string> all;
  for (const auto& [kind, is_mark] : {std::pair(L::kind, IsMark<L>)...}) {
    if (!is_mark) all.emplace_back(kind);
  }
  all.emplace_back("residual(...)");
  all.emplace_back("heads(...)");
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

AnyLayer parse_item(const std::string& item, const Shape& shape, const SourceSpan& span) {
  constexpr const AnyLayer* list = nullptr;
  Words words(item, "", span);
  const std::string kind = words.take("the layer");
  AnyLayer layer = Flatten();
  if (parse_as(kind, words, shape, list, layer)) return layer;
  words.fail("no layer is called '" + kind + "'", did_you_mean(kind, names(list)));
}

template <class Layers>
auto parameters_of(Layers& layers) {
  using T = std::conditional_t<std::is_const_v<Layers>, const Tensor, Tensor>;
  std::vector<Network::NamedOf<T>> all;
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto append = [&](const auto& listed, bool trained) {
      for (const auto& p : listed) {
        all.push_back({std::to_string(i) + "." + std::string(p.name), p, trained});
      }
    };
    std::visit(
        [&](auto& layer) {
          append(list(layer.parameters), true);
          append(list(layer.state), false);
        },
        layers[i]);
  }
  return all;
}

int64_t weights_of(const AnyLayer& layer) {
  int64_t count = 0;
  const auto add = [&](const auto& l) {
    for (const ConstParameter& p : list(l.parameters)) count += p.tensor->size();
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

Network Network::parse(std::string_view line, const Shape& input, int64_t outputs) {
  Network network;
  network.input = input;
  GraphBuilder graph(input);
  int64_t weights = 0;
  const auto append = [&](const std::string& text, SourceSpan span) {
    span.number = network.layers.size() + 1;
    network.layers.push_back(parse_item(text, graph.shape(), span));
    const Words words(text == Add::kind ? "residual(...)" : text, "", span);
    graph.add(network.layers.back(), words);
    join_pixels(network.layers);
    weights += weights_of(network.layers.back());
    if (weights > most_weights || graph.shape().per_example() > most_values) {
      words.refuse("the network becomes too large: " + std::to_string(weights) + " weights so far, " +
                       std::to_string(graph.shape().per_example()) + " values an image",
                   "Use fewer units or filters, or a stride");
    }
  };
  const std::vector<LineItem> items = parse_line(line);
  for (const LineItem& item : items) {
    if (is_heads(item.text)) {  // the last item
      SourceSpan span = item.span;
      span.number = network.layers.size() + 1;
      network.heads = parse_heads(item.text, span);
      span.is_literal = false;
      const std::string channels = std::to_string(channels_of(network.heads));
      append(graph.shape().rank() == 4 ? "conv " + channels + " 1x1" : "dense " + channels, span);
      break;
    }
    if (item.text.starts_with("dense") && graph.shape().rank() == 4) append("flatten", item.span);
    append(item.text, item.span);
  }
  if (graph.is_open()) {
    throw LineError("a residual block is never closed", "network", "Write `residual(...)`",
                    items.back().span);
  }
  if (!network.heads.empty()) return network;
  const Dense* last = std::get_if<Dense>(&network.layers.back());
  if (!last || last->out != outputs) {
    SourceSpan end = items.back().span;
    end.is_literal = false;
    if (graph.shape().rank() == 4) append("flatten", end);
    append("dense " + std::to_string(outputs), end);
  }
  return network;
}

std::vector<std::string> Network::items() const {
  std::vector<std::string> items;
  for (const AnyLayer& layer : layers) {
    items.push_back(std::visit([](const auto& l) { return l.text(); }, layer));
  }
  if (!heads.empty()) items.back() = heads_text(heads);
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
  const Graph graph = lower(*this, examples);
  std::vector<Shape> all = {graph.input};
  for (const int value : graph.reached) all.push_back(graph.shape(value));
  return all;
}

int64_t Network::outputs() const { return lower(*this).nodes.back().shape.per_example(); }

int64_t Network::parameter_count() const {
  int64_t count = 0;
  for (const ConstNamed& named : parameters()) {
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

std::vector<Network::Named> Network::parameters() { return parameters_of(layers); }

std::vector<Network::ConstNamed> Network::parameters() const { return parameters_of(layers); }

}  // namespace mudra
