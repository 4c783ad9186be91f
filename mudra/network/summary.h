// What a network is made of and costs, layer by layer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mudra/network/network.h"

namespace mudra {

struct LayerSummary {
  std::string item;             // "conv 16 3x3"; or "fork", "shortcut", "add": the marks of a residual block
  std::vector<int64_t> output;  // of one image: [C, H, W] or [features]
  int64_t parameters = 0;
  int64_t multiply_adds = 0;  // of one image, forward
  int64_t bytes = 0;          // of memory for a batch in training: its output and what it keeps for backward
};

struct NetworkSummary {
  std::string network;         // its line, everything spelled out
  std::vector<int64_t> input;  // [C, H, W]
  std::vector<LayerSummary> layers;
  int64_t batch_size = 0;
  int64_t parameters = 0, multiply_adds = 0;
  // Bytes of memory.
  int64_t model_bytes = 0;     // weights and running statistics
  int64_t answer_bytes = 0;    // to answer one image, beside the model
  int64_t training_bytes = 0;  // for one batch of training, beside the model: values, scratch and gradients
};

// Plans the network, without running it, to answer one image and to train batches of batch_size images (at
// least 1). Thread-safe; throws std::bad_alloc when there is not the memory to train.
NetworkSummary summarize(const Network& network, int64_t batch_size);

// {network, input, batch_size, layers: [{item, output, parameters, multiply_adds, bytes}], parameters,
// multiply_adds, bytes: {model, answer, training}}
nlohmann::json to_json(const NetworkSummary& summary);

}  // namespace mudra
