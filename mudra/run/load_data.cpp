#include "mudra/run/load_data.h"

#include <charconv>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/data/read_dataset.h"
#include "mudra/features/prepare.h"

namespace mudra {
namespace {

// "28x28" or "28"
std::pair<int, int> parse_size(const std::string& text) {
  const size_t cross = text.find('x');
  const auto number = [&](std::string_view part) {
    int value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value < 1 || value > 4096) {
      throw usage_error("'" + text + "' is not a size", "--size", "Give height x width, such as 28x28");
    }
    return value;
  };
  const int height = number(std::string_view(text).substr(0, cross));
  return {height, cross == std::string::npos ? height : number(std::string_view(text).substr(cross + 1))};
}

}  // namespace

Dataset load_data(const Options& options, ThreadTeam& team) {
  (void)team;
  ReadOptions read;
  read.groups = options.groups;
  read.labels = options.labels;
  read.strict = options.strict;
  read.channels = options.channels;
  if (read.channels == 2)
    throw usage_error("2 is no number of channels", "--channels", "Give 1 for grey or 3 for colour");
  read.fit = options.fit == "stretch" ? Fit::stretch : Fit::keep_aspect;
  if (!options.size.empty()) {
    const auto [height, width] = parse_size(options.size);
    read.height = height;
    read.width = width;
  }
  Dataset data = read_dataset(options.data, read);
  const Shape& found = data.pixels.shape();
  Preprocessing wanted{static_cast<int>(found[1]), static_cast<int>(found[2]), static_cast<int>(found[3]),
                       read.fit};
  if (read.height > 0) wanted.height = read.height, wanted.width = read.width;
  if (read.channels > 0) wanted.channels = read.channels;
  data = fit_to(std::move(data), wanted);
  if (!options.classes.empty()) data = data.keep_classes(options.classes);
  return data;
}

}  // namespace mudra
