#include "mudra/data/inspect.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include "mudra/core/utf8.h"
#include "mudra/data/label_index.h"

namespace mudra {
namespace {

constexpr float constant_below = 2 / 255.F;         // brightest minus darkest pixel
constexpr double inverted_below = -0.3;             // correlation with the average image
constexpr double imbalance_from = 2;                // largest class over smallest
constexpr size_t average_pixels = size_t{28} * 28;  // the average image is taken at about this many pixels

uint64_t hash_of(std::span<const float> image) { return XXH3_64bits(image.data(), image.size_bytes()); }

// Finds images whose pixels are the same, in two passes: the first takes a hash of each, the second the rows
// of those that came more than once.
class Copies {
 public:
  explicit Copies(int64_t images) { hashes_.reserve(static_cast<size_t>(images)); }
  void first_pass(uint64_t hash) { hashes_.push_back(hash); }
  void between() {
    std::ranges::sort(hashes_);
    size_t rows = 0, kept = 0;
    for (size_t begin = 0, end = 0; begin < hashes_.size(); begin = end) {
      while (end < hashes_.size() && hashes_[end] == hashes_[begin]) ++end;
      if (end - begin < 2) continue;
      hashes_[kept++] = hashes_[begin];
      rows += end - begin;
    }
    hashes_.resize(kept);
    hashes_.shrink_to_fit();
    group_of_.assign(kept, Row{0});
    rows_.reserve(rows);
  }
  void second_pass(uint64_t hash, Row row) {
    const auto at = std::ranges::lower_bound(hashes_, hash);
    if (at == hashes_.end() || *at != hash) return;
    Row& group = group_of_[static_cast<size_t>(at - hashes_.begin())];
    if (group == 0) group = ++groups_;
    rows_.emplace_back(group, row);
  }
  // Groups in the order of their first rows.
  void report(const Dataset& data, Inspection& found) {
    std::ranges::sort(rows_);
    std::vector<bool> conflicting(rows_.empty() ? 0 : static_cast<size_t>(data.size()), false);
    size_t listed = 0;
    for (size_t begin = 0, end = 0; begin < rows_.size(); begin = end) {
      const auto label = [&](size_t i) { return data.labels[rows_[i].second]; };
      bool agree = true;
      for (; end < rows_.size() && rows_[end].first == rows_[begin].first; ++end)
        agree = agree && label(end) == label(begin);
      found.copies += static_cast<int64_t>(end - begin) - 1;
      for (size_t i = begin; i < end && !agree; ++i) conflicting[rows_[i].second] = true;
      if (listed == Suspects::most_listed) continue;
      found.duplicates.emplace_back();
      for (size_t i = begin; i < end && listed < Suspects::most_listed; ++i, ++listed)
        found.duplicates.back().push_back(rows_[i].second);
    }
    for (size_t row = 0; row < conflicting.size(); ++row) {
      if (conflicting[row]) found.conflicting.add(static_cast<Row>(row));
    }
  }

 private:
  std::vector<uint64_t> hashes_;
  std::vector<Row> group_of_;              // of hashes_, from 1; 0: not met yet
  std::vector<std::pair<Row, Row>> rows_;  // group and row
  Row groups_ = 0;
};

// Calls work(row, image) for every image, in the first or second of two passes.
template <class Work>
void for_each_image(const Dataset& data, const Progress& progress, int64_t pass, Work work) {
  std::vector<float> image(static_cast<size_t>(data.pixels.shape().per_example()));
  for (int64_t row = 0; row < data.size(); ++row) {
    if (row % 1024 == 0) progress(pass * data.size() + row, 2 * data.size());
    data.pixels.read(row, image.data());
    work(static_cast<Row>(row), std::span<const float>(image));
  }
}

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

// Adds up what can be known of each image alone. Returns the sum of the normalised images.
std::vector<double> look_at_pixels(const Dataset& data, const Progress& progress, Copies& copies,
                                   Inspection& found) {
  std::vector<double> sum_of_images;
  double sum = 0, squares = 0;
  found.low = INFINITY, found.high = -INFINITY;
  for_each_image(data, progress, 0, [&](Row row, std::span<const float> image) {
    const auto [low, high] = std::minmax_element(image.begin(), image.end());
    found.low = std::min(found.low, *low);
    found.high = std::max(found.high, *high);
    if (*high - *low < constant_below) found.constant.add(row);
    for (const float value : image) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    copies.first_pass(hash_of(image));
    const std::vector<float> thin = normalised(image);
    sum_of_images.resize(thin.size());
    for (size_t i = 0; i < thin.size(); ++i) sum_of_images[i] += thin[i];
  });
  const double pixels = static_cast<double>(data.pixels.shape().elements());
  found.mean = sum / pixels;
  found.deviation = std::sqrt(std::max(0.0, squares / pixels - found.mean * found.mean));
  return sum_of_images;
}

void compare_images(const Dataset& data, const Progress& progress, const std::vector<double>& sum_of_images,
                    Copies& copies, Inspection& found) {
  double squares = 0;
  for (const double value : sum_of_images) squares += value * value;
  const double length = std::sqrt(squares);
  // Without anything in common between the images there is no negative of it.
  const bool alike = data.size() >= 10 && length >= 0.2 * static_cast<double>(data.size());
  copies.between();
  for_each_image(data, progress, 1, [&](Row row, std::span<const float> image) {
    copies.second_pass(hash_of(image), row);
    if (!alike) return;
    const std::vector<float> thin = normalised(image);
    double correlation = 0;
    for (size_t i = 0; i < thin.size(); ++i) correlation += thin[i] * sum_of_images[i] / length;
    if (correlation < inverted_below) found.inverted.add(row);
  });
  copies.report(data, found);
}

// "rows 3, 17, 20, 21, 30 and 5 more"
std::string first_rows(const Suspects& suspects, const Dataset& data) {
  constexpr size_t named = 5;
  std::vector<std::string> names;
  for (const Row row : suspects.rows) {
    names.push_back(data.files.empty() ? std::to_string(row) : data.files[row]);
    if (names.size() == named) break;
  }
  const char* rows = !data.files.empty() ? "" : suspects.count == 1 ? "row " : "rows ";
  return rows + join_names(names, named, static_cast<size_t>(suspects.count));
}

std::string counted(int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

void warn(const Dataset& data, Inspection& found) {
  const auto say = [&](std::string text) { found.warnings.push_back(std::move(text)); };
  if (!data.skipped.empty()) {
    say(counted(static_cast<int64_t>(data.skipped.size()), "file or line was", "files or lines were") +
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
    say(counted(static_cast<int64_t>(partial.size()), "group does", "groups do") +
        " not have every class: " + join_names(partial, 5));
  }
  if (found.constant.count > 0) {
    say(counted(found.constant.count, "image is", "images are") +
        " of one brightness all over: " + first_rows(found.constant, data));
  }
  if (found.copies > 0) {
    const std::vector<Row>& first = found.duplicates.front();
    say(counted(found.copies, "image is an exact copy", "images are exact copies") + " of another, first " +
        first_rows({static_cast<int64_t>(first.size()), first}, data));
  }
  if (found.conflicting.count > 0) {
    say(counted(found.conflicting.count, "image has", "images have") +
        " an exact copy with another label: " + first_rows(found.conflicting, data));
  }
  if (found.inverted.count > 0) {
    say(counted(found.inverted.count, "image looks", "images look") +
        " inverted, dark where the others are bright: " + first_rows(found.inverted, data));
  }
  if (found.high <= 0.5F && found.low >= 0)
    say("no pixel is brighter than half of white: are the values scaled as meant?");
}

}  // namespace

Inspection inspect(const Dataset& data, const Progress& progress) {
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
  Copies copies(data.size());
  const std::vector<double> sum_of_images = look_at_pixels(data, progress, copies, found);
  compare_images(data, progress, sum_of_images, copies, found);
  warn(data, found);
  return found;
}

}  // namespace mudra
