// The table of a network.
#pragma once

#include "mudra/network/summary.h"

namespace mudra {

// A line a layer, blocks indented, on standard output.
void print_summary(const NetworkSummary& summary);

}  // namespace mudra
