#include "mudra/data/inspect.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>

#include "mudra/data/label_index.h"

namespace mudra {
namespace {

constexpr float constant_below = 2 / 255.F;         // brightest minus darkest pixel
constexpr double inverted_below = -0.3;             // correlation with the average image
constexpr double imbalance_from = 2;                // largest class over smallest
constexpr size_t average_pixels = size_t{28} * 28;  // the average image is taken at about this many pixels

// Rows by what their pixels are.
class Duplicates {
 public:
  void add(int64_t row, std::span<const float> image) {
    const XXH128_hash_t hash = XXH3_128bits(image.data(), image.size() * sizeof(float));
    rows_[{hash.high64, hash.low64}].push_back(row);
  }
  std::vector<std::vector<int64_t>> take() {
    std::vector<std::vector<int64_t>> repeated;
    for (auto& [hash, rows] : rows_) {
      if (rows.size() > 1) repeated.push_back(std::move(rows));
    }
    std::sort(repeated.begin(), repeated.end());
    return repeated;
  }

 private:
  std::map<std::array<uint64_t, 2>, std::vector<int64_t>> rows_;
};

// An image as the deviations from its own mean, thinned out to few pixels; length 1 unless constant.
std::vector<float> normalised(std::span<const float> image) {
  const size_t step = std::max<size_t>(1, image.size() / average_pixels);
  std::vector<float> thin;
  double sum = 0;
  for (size_t i = 0; i < image.size(); i += step) {
    thin.push_back(image[i]);
    sum += image[i];
  }
  const double mean = sum / static_cast<double>(thin.size());
  double squares = 0;
  for (const float value : thin) squares += (value - mean) * (value - mean);
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  for (float& value : thin) value = static_cast<float>((value - mean) * scale);
  return thin;
}

// Adds up what can be known of each image alone. The average of the normalised images goes into `average`.
void look_at_pixels(const Dataset& data, Inspection& found, std::vector<double>& average) {
  std::vector<float> image(static_cast<size_t>(data.pixels.shape().per_example()));
  Duplicates duplicates;
  double sum = 0, squares = 0;
  found.low = INFINITY, found.high = -INFINITY;
  for (int64_t row = 0; row < data.size(); ++row) {
    data.pixels.read(row, image.data());
    const auto [low, high] = std::minmax_element(image.begin(), image.end());
    found.low = std::min(found.low, *low);
    found.high = std::max(found.high, *high);
    if (*high - *low < constant_below) found.constant.push_back(row);
    for (const float value : image) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    duplicates.add(row, image);
    const std::vector<float> thin = normalised(image);
    average.resize(thin.size());
    for (size_t i = 0; i < thin.size(); ++i) average[i] += thin[i];
  }
  const double pixels = static_cast<double>(data.size()) * static_cast<double>(image.size());
  found.mean = sum / pixels;
  found.deviation = std::sqrt(std::max(0.0, squares / pixels - found.mean * found.mean));
  found.duplicates = duplicates.take();
}

std::vector<int64_t> inverted_rows(const Dataset& data, const std::vector<double>& average) {
  double squares = 0;
  for (const double value : average) squares += value * value;
  const double length = std::sqrt(squares);
  // Without anything in common between the images there is no negative of it.
  if (data.size() < 10 || length < 0.2 * static_cast<double>(data.size())) return {};
  std::vector<int64_t> inverted;
  std::vector<float> image(static_cast<size_t>(data.pixels.shape().per_example()));
  for (int64_t row = 0; row < data.size(); ++row) {
    data.pixels.read(row, image.data());
    const std::vector<float> thin = normalised(image);
    double correlation = 0;
    for (size_t i = 0; i < thin.size(); ++i) correlation += thin[i] * average[i] / length;
    if (correlation < inverted_below) inverted.push_back(row);
  }
  return inverted;
}

std::string first_rows(const std::vector<int64_t>& rows, const Dataset& data) {
  std::vector<std::string> names;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<size_t>(rows[i]);
    names.push_back(data.files.empty() ? std::to_string(row) : data.files[row]);
  }
  return (!data.files.empty() ? "" : rows.size() == 1 ? "row " : "rows ") + join_names(names, 5);
}

std::string counted(size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

void warn(const Dataset& data, Inspection& found) {
  const auto say = [&](std::string text) { found.warnings.push_back(std::move(text)); };
  if (!data.skipped.empty()) {
    say(counted(data.skipped.size(), "file or line was", "files or lines were") +
        " skipped: " + data.skipped.front());
  }
  if (data.classes.size() == 1)
    say("there is only one class, " + data.classes[0] + ": nothing can be told apart");
  if (!found.class_counts.empty()) {
    const auto [least, most] = std::minmax_element(found.class_counts.begin(), found.class_counts.end());
    if (static_cast<double>(*most) >= imbalance_from * static_cast<double>(*least)) {
      say("classes differ much in size: " +
          data.classes[static_cast<size_t>(least - found.class_counts.begin())] + " has " +
          std::to_string(*least) + " images, " +
          data.classes[static_cast<size_t>(most - found.class_counts.begin())] + " has " +
          std::to_string(*most));
    }
  }
  std::vector<std::string> partial;
  for (size_t g = 0; g < found.group_counts.size(); ++g) {
    const auto& counts = found.group_counts[g];
    if (std::count(counts.begin(), counts.end(), 0) > 0) partial.push_back(data.group_names[g]);
  }
  if (!partial.empty()) {
    say(counted(partial.size(), "group does", "groups do") +
        " not have every class: " + join_names(partial, 5));
  }
  if (!found.constant.empty()) {
    say(counted(found.constant.size(), "image is", "images are") +
        " of one brightness all over: " + first_rows(found.constant, data));
  }
  if (!found.duplicates.empty()) {
    size_t extra = 0;
    for (const auto& rows : found.duplicates) extra += rows.size() - 1;
    say(counted(extra, "image is an exact copy", "images are exact copies") + " of another, first " +
        first_rows(found.duplicates.front(), data));
  }
  if (!found.conflicting.empty()) {
    say(counted(found.conflicting.size(), "image has", "images have") +
        " an exact copy with another label: " + first_rows(found.conflicting, data));
  }
  if (!found.inverted.empty()) {
    say(counted(found.inverted.size(), "image looks", "images look") +
        " inverted, dark where the others are bright: " + first_rows(found.inverted, data));
  }
  if (found.high <= 0.5F && found.low >= 0)
    say("no pixel is brighter than half of white: are the values scaled as meant?");
}

}  // namespace

Inspection inspect(const Dataset& data) {
  Inspection found;
  const Shape& shape = data.pixels.shape();
  found.images = shape[0];
  found.height = static_cast<int>(shape[1]), found.width = static_cast<int>(shape[2]);
  found.channels = static_cast<int>(shape[3]);
  found.class_counts.resize(data.classes.size());
  for (const int32_t label : data.labels) ++found.class_counts[static_cast<size_t>(label)];
  if (!data.groups.empty()) {
    found.group_counts.assign(data.group_names.size(), std::vector<int64_t>(data.classes.size()));
    for (size_t row = 0; row < data.groups.size(); ++row) {
      ++found.group_counts[static_cast<size_t>(data.groups[row])][static_cast<size_t>(data.labels[row])];
    }
  }
  std::vector<double> average;
  look_at_pixels(data, found, average);
  found.inverted = inverted_rows(data, average);
  for (const auto& rows : found.duplicates) {
    const auto label = [&](int64_t row) { return data.labels[static_cast<size_t>(row)]; };
    const bool agree =
        std::all_of(rows.begin(), rows.end(), [&](int64_t r) { return label(r) == label(rows[0]); });
    if (!agree) found.conflicting.insert(found.conflicting.end(), rows.begin(), rows.end());
  }
  std::sort(found.conflicting.begin(), found.conflicting.end());
  warn(data, found);
  return found;
}

}  // namespace mudra
