#include "mudra/data/read_example_weights.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "mudra/core/error.h"
#include "mudra/data/csv.h"
#include "mudra/data/label_index.h"
#include "mudra/data/npy.h"
#include "mudra/data/read_files.h"

namespace mudra {
namespace {

void weights_from_array(ByteSource& source, Dataset& data) {
  const NpyHeader header = read_npy_header(source);
  const bool is_column = header.shape.size() == 1 || (header.shape.size() == 2 && header.shape[1] == 1);
  if (header.is_text() || !is_column || header.shape[0] != data.size()) {
    throw Error("has the shape " + header.shape_text() + " and type " + header.type_name() + " for " +
                    std::to_string(data.size()) + " images",
                source.where(), "Give one number for each image, in their order");
  }
  NpyValues values = read_npy_values(source, header, std::array{int64_t{1}, int64_t{1}});
  data.example_weights = std::move(values.floats);
  if (data.example_weights.empty()) data.example_weights.assign(values.bytes.begin(), values.bytes.end());
}

void weights_from_archive(const std::string& path, Dataset& data) {
  const NpzFile file(path);
  for (const char* name : {"weights", "weight", "sample_weight"}) {
    if (file.has(name)) return weights_from_array(*file.open(name), data);
  }
  throw Error("has no array `weights`, `weight` or `sample_weight`", path,
              "It holds " + join_names(file.arrays(), 10));
}

void weights_from_text(const std::string& path, Dataset& data) {
  const auto take = [&](std::string_view text, const std::string& where) {
    const std::optional<double> weight = csv_number(text);
    if (!weight) throw Error(where + ": '" + std::string(text.substr(0, 40)) + "' is no number", path);
    data.example_weights.push_back(static_cast<float>(*weight));
  };
  read_image_column(path, "weight", data, take, true);
}

}  // namespace

void read_example_weights(const std::string& path, Dataset& data) {
  std::array<char, 6> magic{};
  open_file(path)->read(magic.data(), magic.size());
  const std::string_view start(magic.data(), magic.size());
  data.example_weights.clear();
  if (start == "\x93NUMPY") {
    weights_from_array(*open_file(path), data);
  } else if (start.starts_with("PK")) {
    weights_from_archive(path, data);
  } else {
    weights_from_text(path, data);
  }
  const auto& weights = data.example_weights;
  const auto bad = std::ranges::find_if(weights, [](float w) { return !(w >= 0 && w <= 1e9F); });
  if (bad != weights.end()) {
    throw Error("image " + std::to_string(bad - weights.begin()) + " (counted from 0) has the weight " +
                    std::to_string(*bad),
                path, "Give numbers from 0 to 1e9");
  }
  if (std::ranges::none_of(weights, [](float w) { return w > 0; }))
    throw Error("has only weights of 0: nothing would be learnt", path, "Give some images more");
  const auto [low, high] = std::ranges::minmax(weights);
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), "weights %g to %g from ", low, high);
  data.notes.push_back(range.data() + path);
}

}  // namespace mudra
