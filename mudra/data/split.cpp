#include "mudra/data/split.h"

#include <charconv>
#include <cmath>
#include <numeric>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"

namespace mudra {

Split make_split(const Dataset& data, const SplitOptions& options) {
  double fraction = 0;
  const std::string& how = options.how;
  const auto [end, error] = std::from_chars(how.data(), how.data() + how.size(), fraction);
  if (error != std::errc() || end != how.data() + how.size() || !(fraction > 0 && fraction < 1)) {
    throw usage_error("'" + how + "' is not possible", "--split", "Give a fraction between 0 and 1, such as 0.8");
  }
  std::vector<int64_t> rows(static_cast<size_t>(data.size()));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  Rng(options.seed, Purpose::split).shuffle(std::span(rows));
  const auto middle = rows.begin() + static_cast<int64_t>(std::floor(fraction * static_cast<double>(data.size())));
  Split split;
  split.description = "random, seed " + std::to_string(options.seed);
  split.folds.push_back({{rows.begin(), middle}, {middle, rows.end()}, ""});
  return split;
}

}  // namespace mudra
