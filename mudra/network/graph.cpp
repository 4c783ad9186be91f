#include "mudra/network/graph.h"

#include <utility>

#include "mudra/network/network.h"

namespace mudra {
namespace {

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

}  // namespace

void GraphBuilder::add(const AnyLayer& layer, const Words& words) {
  const size_t number = graph_.reached.size();
  const auto make = [&](std::vector<int> inputs, const Shape& y) {
    graph_.nodes.push_back({number, std::move(inputs), y, std::exchange(forks_, {})});
    now_ = static_cast<int>(graph_.nodes.size()) - 1;
  };
  const bool is_shortcut = std::holds_alternative<Shortcut>(layer);
  const bool is_add = std::holds_alternative<Add>(layer);
  if ((is_shortcut || is_add) && kept_.empty()) words.refuse("nothing is kept here", "Write `residual(...)`");
  if (std::holds_alternative<Fork>(layer)) {
    kept_.push_back(now_);
    forks_.push_back(now_);
  } else if (is_shortcut) {
    std::swap(now_, kept_.back());
  } else if (is_add) {
    const Shape& other = graph_.shape(kept_.back());
    if (other != shape()) {
      const std::string fitting = fitting_shortcut(other, shape());
      words.refuse("the two ways of the block do not fit: " + in_words(shape()) + " and " + in_words(other),
                   fitting.empty() ? "Bring both to one shape"
                                   : "Keep the shape inside, or end the block with ` | " + fitting + ")`");
    }
    make({now_, kept_.back()}, Shape(shape()));
    kept_.pop_back();
  } else {
    make({now_}, std::visit([&](const auto& l) { return l.output_shape(shape()); }, layer));
  }
  graph_.reached.push_back(now_);
}

Graph lower(const Network& network, int64_t examples) {
  GraphBuilder builder(with_batch(network.input, examples));
  for (const AnyLayer& layer : network.layers) builder.add(layer, Words("", ""));
  return builder.graph();
}

}  // namespace mudra
