#include "mudra/network/network.h"

#include <algorithm>

#include "mudra/core/did_you_mean.h"

namespace mudra {
namespace {

// The variant's kinds, in order.
template <class... L>
std::vector<std::string> kinds(const std::variant<L...>*) {
  return {std::string(L::kind)...};
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

std::vector<std::string> split_items(std::string_view line) {
  std::vector<std::string> items;
  while (true) {
    const size_t comma = line.find(',');
    std::string item(line.substr(0, comma));
    const size_t first = item.find_first_not_of(" \t\n");
    const size_t last = item.find_last_not_of(" \t\n");
    if (first == std::string::npos) {
      throw usage_error("an item is empty", "network '" + std::string(line) + "'",
                        "Write items separated by single commas, such as `dense 128, relu`");
    }
    items.push_back(item.substr(first, last - first + 1));
    if (comma == std::string_view::npos) return items;
    line.remove_prefix(comma + 1);
  }
}

Shape shape_after(const AnyLayer& layer, const Shape& x) {
  return std::visit([&](const auto& l) { return l.output_shape(x); }, layer);
}

}  // namespace

AnyLayer parse_layer(const std::string& item, const Shape& shape) {
  constexpr const AnyLayer* list = nullptr;
  Words words(item, "");
  const std::string kind = words.take("the layer");
  AnyLayer layer = Flatten();
  if (parse_as(kind, words, shape, list, layer)) return layer;
  throw usage_error("no layer is called '" + kind + "'", "network item '" + item + "'",
                    did_you_mean(kind, kinds(list)));
}

Network Network::parse(std::string_view line, const Shape& input, int64_t outputs) {
  Network network;
  network.input = input;
  Shape shape = input;
  const auto append = [&](const std::string& item) {
    if (item.starts_with("dense") && shape.rank() == 4) {
      network.layers.push_back(Flatten());
      shape = shape_after(network.layers.back(), shape);
    }
    network.layers.push_back(parse_layer(item, shape));
    shape = shape_after(network.layers.back(), shape);
  };
  for (const std::string& item : split_items(line)) append(item);
  const Dense* last = std::get_if<Dense>(&network.layers.back());
  if (!last || last->out != outputs) append("dense " + std::to_string(outputs));
  return network;
}

std::vector<std::string> Network::items() const {
  std::vector<std::string> items;
  for (const AnyLayer& layer : layers) {
    items.push_back(std::visit([](const auto& l) { return l.text(); }, layer));
  }
  return items;
}

std::string Network::text() const {
  std::string line;
  for (const std::string& item : items()) line += (line.empty() ? "" : ", ") + item;
  return line;
}

void Network::initialize(Initialization initialization, uint64_t seed) {
  for (size_t i = 0; i < layers.size(); ++i) {
    Rng rng(seed, Purpose::initialize, 0, i);
    std::visit([&](auto& layer) { layer.initialize(initialization, rng); }, layers[i]);
  }
}

int64_t Network::outputs() const {
  Shape shape = input;
  for (const AnyLayer& layer : layers) shape = shape_after(layer, shape);
  return shape.per_example();
}

int64_t Network::parameter_count() const {
  int64_t count = 0;
  for (const Named& named : const_cast<Network*>(this)->parameters()) {
    if (named.trained) count += file_shape(named.parameter).elements();
  }
  return count;
}

int64_t Network::multiply_adds() const {
  int64_t count = 0;
  Shape shape = input;
  for (const AnyLayer& layer : layers) {
    count += std::visit([&](const auto& l) { return l.multiply_adds(shape); }, layer);
    shape = shape_after(layer, shape);
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
