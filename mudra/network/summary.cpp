#include "mudra/network/summary.h"

#include <nlohmann/json.hpp>
#include <numeric>

#include "mudra/network/plan.h"

namespace mudra {
namespace {

std::vector<int64_t> file_order(const Shape& x) {
  if (x.rank() == 4) return {x[3], x[1], x[2]};
  return {x[1]};
}

int64_t total(const Plan::Memory& memory) {
  return std::accumulate(memory.layers.begin(), memory.layers.end(), memory.shared);
}

}  // namespace

NetworkSummary summarize(const Network& network, int64_t batch_size) {
  NetworkSummary summary;
  summary.network = network.text();
  summary.input = file_order(network.input);
  summary.batch_size = batch_size;
  const Plan training(network, batch_size, Plan::Mode::train);
  const Plan::Memory memory = training.memory();
  summary.training_bytes = total(memory);
  summary.answer_bytes = total(Plan(network, 1, Plan::Mode::infer).memory());
  const std::vector<Shape> shapes = network.shapes();
  const std::vector<std::string> items = network.items();
  for (size_t i = 0; i < items.size(); ++i) {
    LayerSummary layer{items[i], file_order(shapes[i + 1]), 0, 0,
                       i < memory.layers.size() ? memory.layers[i] : 0};
    std::visit(
        [&](const auto& l) {
          layer.multiply_adds = l.multiply_adds(shapes[i]);
          for (const ConstParameter& p : list(l.parameters)) layer.parameters += file_shape(p).elements();
        },
        network.layers[i]);
    summary.parameters += layer.parameters;
    summary.multiply_adds += layer.multiply_adds;
    summary.layers.push_back(std::move(layer));
  }
  for (const Network::ConstNamed& named : network.parameters()) {
    summary.model_bytes += bytes_of(*named.parameter.tensor);
  }
  return summary;
}

nlohmann::json to_json(const NetworkSummary& summary) {
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerSummary& layer : summary.layers) {
    layers.push_back({{"item", layer.item},
                      {"output", layer.output},
                      {"parameters", layer.parameters},
                      {"multiply_adds", layer.multiply_adds},
                      {"bytes", layer.bytes}});
  }
  return {{"network", summary.network},
          {"input", summary.input},
          {"batch_size", summary.batch_size},
          {"layers", layers},
          {"parameters", summary.parameters},
          {"multiply_adds", summary.multiply_adds},
          {"bytes",
           {{"model", summary.model_bytes},
            {"answer", summary.answer_bytes},
            {"training", summary.training_bytes}}}};
}

}  // namespace mudra
