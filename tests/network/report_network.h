// The report's network with the weights a reference script wrote.
#pragma once

#include "mudra/network/network.h"
#include "tests/reference.h"

namespace mudra {

inline Network report_network(const std::filesystem::path& folder) {
  Network network = Network::parse("dense 128, sigmoid", {1, 28, 28, 1}, 1);
  for (const Network::Named& named : network.parameters()) {
    std::vector<double> values(static_cast<size_t>(file_shape(named.parameter).elements()), 0.0);
    if (named.name == "1.weight") values = read_raw<double>(folder / "w1.f64");
    if (named.name == "3.weight") values = read_raw<double>(folder / "w2.f64");
    from_file_order(named.parameter, std::vector<Scalar>(values.begin(), values.end()));
  }
  return network;
}

}  // namespace mudra
