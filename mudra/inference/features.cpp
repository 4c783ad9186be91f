#include "mudra/inference/features.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "mudra/core/error.h"
#include "mudra/features/augment.h"
#include "mudra/inference/inference.h"

namespace mudra {
namespace {

Network all_but_the_last(const Network& network) {
  if (!has_features(network)) {
    throw Error("ends in no dense layer with others before it", "network '" + network.text() + "'",
                "Features are what the layers before the last make of images");
  }
  Network trunk = network;
  trunk.layers.pop_back();
  trunk.heads.clear();
  return trunk;
}

}  // namespace

bool has_features(const Network& network) {
  return network.layers.size() > 1 && std::holds_alternative<Dense>(network.layers.back());
}

Dataset features_of(const Network& network, const Dataset& data, std::span<const Row> rows, ThreadTeam& team,
                    const Changes& changes) {
  const Network trunk = all_but_the_last(network);
  const int64_t width = trunk.outputs();
  const int64_t together = std::clamp<int64_t>(std::ssize(rows), 1, answered_together);
  Batches batches(data, rows, together);
  Plan plan(trunk, together, Mode::infer);
  Augmenter augmenter(changes.augment, network.input, together);
  std::vector<float> values;
  values.reserve(rows.size() * static_cast<size_t>(width));
  for (int64_t b = 0; b < batches.count(); ++b) {
    Tensor& x = batches.copy(b);
    augmenter.apply(x.data(), batches.size(b), changes.seed, 1, batches.row_numbers(b), team);
    const std::span<const Scalar> features = plan.infer(trunk, x, Context{team}).values();
    values.insert(values.end(), features.begin(), features.end());
  }
  Dataset made = data.select(rows);
  made.pixels = Pixels({std::ssize(rows), 1, 1, width}, std::move(values), 1);
  return made;
}

Network last_layer_of(const Network& network) {
  const int64_t width = all_but_the_last(network).outputs();
  Network last{.input = {1, 1, 1, width}, .layers = {Flatten{{}, {1, 1, 1, width}, true}}, .heads = {}};
  last.layers.push_back(network.layers.back());
  last.heads = network.heads;
  return last;
}

void set_last_layer(Network& network, const Network& last) { network.layers.back() = last.layers.back(); }

}  // namespace mudra
