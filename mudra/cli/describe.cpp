// mudra train --describe: the network's layers and their costs.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mudra/cli/output.h"
#include "mudra/core/text.h"

namespace mudra {
namespace {

std::string sizes(const std::vector<int64_t>& shape) { return fmt::format("{}", fmt::join(shape, " x ")); }

std::string bytes(int64_t count) {
  if (count < 10'000) return fmt::format("{} B", thousands(count));
  if (count < 10'000'000) return fmt::format("{} kB", thousands((count + 500) / 1000));
  return fmt::format("{} MB", thousands((count + 500'000) / 1'000'000));
}

// "-" where there is nothing.
std::string number(int64_t count) { return count == 0 ? "-" : thousands(count); }

struct TableRow {
  std::string layer, output, parameters, multiply_adds, memory;
};

// Blocks are indented; their marks become brackets.
std::vector<TableRow> rows_of(const NetworkSummary& summary) {
  std::vector<TableRow> rows = {{"layer", "output", "parameters", "multiply-adds", "memory"},
                                {"images", sizes(summary.input), "", "", ""}};
  size_t depth = 0;
  for (const LayerSummary& layer : summary.layers) {
    const auto indented = [&](const std::string& text) { return std::string(2 * depth, ' ') + text; };
    if (layer.item == "fork") {
      rows.push_back({indented("residual("), "", "", "", ""});
      ++depth;
      continue;
    }
    if (layer.item == "shortcut" || layer.item == "add") --depth;
    if (layer.item == "shortcut") {
      rows.push_back({indented("|"), "", "", "", ""});
      ++depth;
      continue;
    }
    rows.push_back({indented(layer.item == "add" ? ")" : layer.item), sizes(layer.output),
                    number(layer.parameters), number(layer.multiply_adds),
                    layer.bytes == 0 ? "-" : bytes(layer.bytes)});
  }
  rows.push_back({"all", "", thousands(summary.parameters), thousands(summary.multiply_adds), ""});
  return rows;
}

}  // namespace

void print_summary(const NetworkSummary& summary) {
  const std::vector<TableRow> rows = rows_of(summary);
  size_t layer = 0, output = 0;
  for (const TableRow& row : rows) {
    layer = std::max(layer, row.layer.size());
    output = std::max(output, row.output.size());
  }
  for (const TableRow& row : rows) {
    std::string line = fmt::format("{:<{}}   {:<{}}   {:>12}   {:>13}   {:>9}", row.layer, layer, row.output,
                                   output, row.parameters, row.multiply_adds, row.memory);
    fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  }
  fmt::print("\nmultiply-adds are of one image; memory of a batch of {} in training\n",
             thousands(summary.batch_size));
  fmt::print("memory    {} for the weights, {} to answer one image, {} for a batch in training\n",
             bytes(summary.model_bytes), bytes(summary.answer_bytes), bytes(summary.training_bytes));
  fmt::print("          training also keeps a gradient for every weight, and the optimizer's moments\n");
}

}  // namespace mudra
