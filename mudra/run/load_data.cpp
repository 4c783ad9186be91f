#include "mudra/run/load_data.h"

#include <charconv>

#include "mudra/core/error.h"
#include "mudra/data/read_dataset.h"

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
  if (!options.size.empty()) {
    const auto [height, width] = parse_size(options.size);
    read.height = height;
    read.width = width;
  }
  Dataset data = read_dataset(options.data, read);
  if (!options.classes.empty()) data = data.keep_classes(options.classes);
  return data;
}

}  // namespace mudra
