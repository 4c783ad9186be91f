// The line a person writes for a network, unfolded to a flat list of items:
//   line  = item {, item}
//   item  = layer | NAME | COUNT x (line) | residual(line) | residual(line | line)
// NAME is one of named_networks(). residual(A) becomes fork, A, add; residual(A | B) fork, A, shortcut, B,
// add.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mudra/layers/words.h"

namespace mudra {

struct LineItem {
  std::string text;
  SourceSpan span;
};

// Throws LineError. The line must outlive the items.
std::vector<LineItem> parse_line(std::string_view line);

// The other way: "conv 8 3x3, residual(conv 8 3x3, relu), relu" of the flat items.
std::string join_line(const std::vector<std::string>& items);

struct NamedNetwork {
  std::string_view name, line, what;
};
const std::vector<NamedNetwork>& named_networks();

}  // namespace mudra
