#include "mudra/data/split.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/rng.h"

namespace mudra {
namespace {

constexpr std::string_view option = "--split";
constexpr std::string_view forms =
    "Give a fraction such as 0.8, stratified:0.8, group, kfold:5, leave-one-group-out or a split.json file";

// All rows in a random order: the order in which training takes them.
std::vector<int64_t> shuffled(const Dataset& data, uint64_t seed) {
  std::vector<int64_t> rows(static_cast<size_t>(data.size()));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  Rng(seed, Purpose::split).shuffle(std::span(rows));
  return rows;
}

double fraction(std::string_view text, const std::string& how) {
  const auto value = parse_number<double>(text);
  if (!value || !(*value > 0 && *value < 1)) {
    throw usage_error("'" + how + "' is not possible", option,
                      "Give the part that trains, between 0 and 1, such as 0.8");
  }
  return *value;
}

// How many of `count` a fraction is, rounded down, as the report has it.
size_t part(double share, size_t count) {
  return static_cast<size_t>(std::floor(share * static_cast<double>(count)));
}

const std::vector<int32_t>& known_groups(const Dataset& data) {
  if (data.groups.empty()) {
    throw usage_error("a split by group needs to know whose hand each image shows", option,
                      "Name a file with --groups");
  }
  return data.groups;
}

Fold random_fold(const std::vector<int64_t>& rows, double share) {
  const auto middle = rows.begin() + static_cast<int64_t>(part(share, rows.size()));
  return {{rows.begin(), middle}, {middle, rows.end()}, ""};
}

// A fold whose test part holds the rows chosen.
template <class IsTest>
Fold fold_by(const std::vector<int64_t>& rows, IsTest is_test, std::string name = "") {
  Fold fold;
  fold.name = std::move(name);
  for (const int64_t row : rows) (is_test(static_cast<size_t>(row)) ? fold.test : fold.train).push_back(row);
  return fold;
}

Fold stratified_fold(const Dataset& data, const std::vector<int64_t>& rows, double share) {
  std::vector<size_t> left(data.classes.size(), 0);
  for (const int32_t label : data.labels) ++left[static_cast<size_t>(label)];
  for (size_t& count : left) count = part(share, count);
  return fold_by(rows, [&](size_t row) {
    size_t& count = left[static_cast<size_t>(data.labels[row])];
    if (count == 0) return true;
    --count;
    return false;
  });
}

std::vector<int32_t> present_groups(const Dataset& data) {
  const std::set<int32_t> distinct(known_groups(data).begin(), data.groups.end());
  if (distinct.size() < 2) {
    throw usage_error("all images are of one group", option,
                      "Split by a fraction instead, or name a file with --groups");
  }
  return {distinct.begin(), distinct.end()};
}

Fold group_fold(const Dataset& data, const std::vector<int64_t>& rows, double share, uint64_t seed) {
  std::vector<int32_t> groups = present_groups(data);
  Rng(seed, Purpose::split, 1).shuffle(std::span(groups));
  const size_t train = std::clamp<size_t>(part(share, groups.size()), 1, groups.size() - 1);
  const std::set<int32_t> held_out(groups.begin() + static_cast<int64_t>(train), groups.end());
  return fold_by(rows, [&](size_t row) { return held_out.contains(data.groups[row]); });
}

std::vector<Fold> group_folds(const Dataset& data, const std::vector<int64_t>& rows) {
  std::vector<Fold> folds;
  for (const int32_t group : present_groups(data)) {
    folds.push_back(fold_by(
        rows, [&](size_t row) { return data.groups[row] == group; },
        data.group_names[static_cast<size_t>(group)]));
  }
  return folds;
}

std::vector<Fold> k_folds(const std::vector<int64_t>& rows, std::string_view text, const std::string& how) {
  const auto k = parse_number<int64_t>(text);
  const int64_t count = static_cast<int64_t>(rows.size());
  if (!k || *k < 2 || *k > count) {
    throw usage_error("'" + how + "' is not possible", option,
                      "Give a number of parts from 2 to the " + std::to_string(count) + " images there are");
  }
  std::vector<Fold> folds;
  for (int64_t f = 0; f < *k; ++f) {
    const auto begin = rows.begin() + count * f / *k;
    const auto end = rows.begin() + count * (f + 1) / *k;
    Fold fold{{rows.begin(), begin}, {begin, end}, "fold " + std::to_string(f + 1)};
    fold.train.insert(fold.train.end(), end, rows.end());
    folds.push_back(std::move(fold));
  }
  return folds;
}

Split read_split(const std::string& path, const Dataset& data) {
  Split split;
  try {
    const nlohmann::json file = nlohmann::json::parse(read_file(path, size_t{1} << 30));
    if (file.at("images").get<int64_t>() != data.size()) {
      throw usage_error(
          "was made for " + file.at("images").dump() + " images, not " + std::to_string(data.size()), path,
          "Use it with the data and classes it was made for");
    }
    split.description = file.at("description").get<std::string>();
    for (const auto& entry : file.at("folds")) {
      Fold fold{entry.at("train").get<std::vector<int64_t>>(), entry.at("test").get<std::vector<int64_t>>(),
                entry.at("name").get<std::string>()};
      std::vector<bool> taken(static_cast<size_t>(data.size()), false);
      for (const auto* rows : {&fold.train, &fold.test}) {
        for (const int64_t row : *rows) {
          if (row < 0 || row >= data.size() || taken[static_cast<size_t>(row)]) {
            throw usage_error("names row " + std::to_string(row) + " twice, or there is no such row", path);
          }
          taken[static_cast<size_t>(row)] = true;
        }
      }
      split.folds.push_back(std::move(fold));
    }
  } catch (const nlohmann::json::exception& error) {
    throw usage_error(std::string("is no split file (") + error.what() + ")", path,
                      "Use the split.json of a run");
  }
  if (split.folds.empty()) throw usage_error("holds no fold", path);
  return split;
}

void check_classes(const Dataset& data, const std::vector<int64_t>& rows, const std::string& which) {
  std::vector<bool> seen(data.classes.size(), false);
  for (const int64_t row : rows) seen[static_cast<size_t>(data.labels[static_cast<size_t>(row)])] = true;
  for (size_t c = 0; c < seen.size(); ++c) {
    if (!seen[c]) {
      throw usage_error("the " + which + " part has no image of class '" + data.classes[c] + "'", option,
                        "Use stratified:0.8, another --seed, or more images");
    }
  }
}

}  // namespace

Split make_split(const Dataset& data, const std::string& how, uint64_t seed) {
  const std::vector<int64_t> rows = shuffled(data, seed);
  const size_t colon = how.find(':');
  const std::string_view kind = std::string_view(how).substr(0, colon);
  const std::string_view rest = colon == std::string::npos ? "0.8" : std::string_view(how).substr(colon + 1);
  const std::string seeded = ", seed " + std::to_string(seed);
  Split split;
  if (parse_number<double>(how)) {
    split = {"random" + seeded, {random_fold(rows, fraction(how, how))}};
  } else if (kind == "stratified") {
    split = {"random within each class" + seeded, {stratified_fold(data, rows, fraction(rest, how))}};
  } else if (kind == "group") {
    split = {"by group" + seeded, {group_fold(data, rows, fraction(rest, how), seed)}};
  } else if (kind == "kfold" && colon != std::string::npos) {
    split = {std::string(rest) + " folds" + seeded, k_folds(rows, rest, how)};
  } else if (how == "leave-one-group-out") {
    split = {"one group left out at a time", group_folds(data, rows)};
  } else if (std::filesystem::is_regular_file(how)) {
    split = read_split(how, data);
  } else {
    throw usage_error("'" + how + "' is not possible", option, forms);
  }
  for (const Fold& fold : split.folds) check_classes(data, fold.train, "training");
  if (split.folds.size() == 1 && kind != "group") check_classes(data, split.folds[0].test, "held-out");
  return split;
}

std::string split_text(const Split& split, int64_t images) {
  nlohmann::json folds = nlohmann::json::array();
  for (const Fold& fold : split.folds) {
    folds.push_back({{"name", fold.name}, {"train", fold.train}, {"test", fold.test}});
  }
  return nlohmann::json{{"description", split.description}, {"images", images}, {"folds", folds}}.dump() +
         "\n";
}

}  // namespace mudra
