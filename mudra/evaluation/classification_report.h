// The table of precision, recall and F1 that scikit-learn prints.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace mudra {

// Equal, character by character, to scikit-learn 1.2.1's
// classification_report(truth, predicted, labels=labels, target_names=names), zero_division 0.
// `confusion` is [K, K], rows true, columns predicted; `names` has K entries. Without `labels` the rows
// are the classes that occur in either; with them (indices, in the order wanted) the accuracy row
// becomes `micro avg` unless they are exactly the classes that occur.
std::string classification_report(std::span<const int64_t> confusion, std::span<const std::string> names,
                                  std::optional<std::span<const int32_t>> labels = {});

}  // namespace mudra
