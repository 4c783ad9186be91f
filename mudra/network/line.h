// The line a person writes for a network, unfolded to a flat list of items:
//   line  = item {, item} {, heads(KIND CHANNELS [weight NUMBER] {, KIND CHANNELS [weight NUMBER]})}
//   item  = layer | NAME | COUNT x (line) | residual(line) | residual(line | line)
// NAME is one of named_networks(). residual(A) becomes the items fork, A, add; residual(A | B) becomes fork,
// A, shortcut, B, add (mudra/layers/marks.h says what these marks mean). Heads are one item. The functions
// are thread-safe.
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

// Only brackets, commas, names and repeats are read here; whether an item is a layer is seen by
// Network::parse. Throws LineError for brackets that do not match, an empty item, more than 250 layers. The
// line must outlive the items.
std::vector<LineItem> parse_line(std::string_view line);

// The other way: "conv 8 3x3, residual(conv 8 3x3, relu), relu" of the flat items.
std::string join_line(const std::vector<std::string>& items);

struct NamedNetwork {
  std::string_view name, line;
  std::string_view what;  // a few words for the list of networks
};
const std::vector<NamedNetwork>& named_networks();

}  // namespace mudra
