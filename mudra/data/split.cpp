#include "mudra/data/split.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <set>

#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/rng.h"

namespace mudra {
namespace {

constexpr std::string_view option = "--split";
constexpr std::string_view validation_option = "--validation";
constexpr std::string_view inner_option = "--inner";
constexpr std::string_view forms =
    "Give a fraction such as 0.8, stratified:0.8, group, kfold:5, stratified-kfold:5, group-kfold:5, "
    "leave-one-group-out or a split.json file";
constexpr std::string_view rules =
    "Give a fraction such as 0.8, stratified:0.8, group, kfold:5, stratified-kfold:5, group-kfold:5 or "
    "leave-one-group-out";

// Rows to split, in a random order: the order in which training takes them. `level` is 0 for all rows and 1
// within a part of them; every level draws numbers of its own. `where` is the option an Error names.
struct Rows {
  const Dataset& data;
  std::vector<Row> rows;
  uint64_t seed;
  uint32_t level;
  std::string_view where;

  Rows(const Dataset& all, std::vector<Row> some, uint64_t with_seed, uint32_t at_level,
       std::string_view asked_by)
      : data(all), rows(std::move(some)), seed(with_seed), level(at_level), where(asked_by) {
    Rng(seed, Purpose::split, 2 * level).shuffle(std::span(rows));
  }
  Rng group_rng() const { return Rng(seed, Purpose::split, 2 * level + 1); }
};

std::vector<Row> every_row(const Dataset& data) {
  std::vector<Row> rows(static_cast<size_t>(data.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  return rows;
}

double fraction(std::string_view text, const std::string& how, std::string_view where) {
  const auto value = parse_number<double>(text);
  if (!value || !(*value > 0 && *value < 1)) {
    throw usage_error("'" + how + "' is not possible", where,
                      "Give the part that trains, between 0 and 1, such as 0.8");
  }
  return *value;
}

// How many of `count` a fraction is, rounded down, as the report has it.
size_t part(double share, size_t count) {
  return static_cast<size_t>(std::floor(share * static_cast<double>(count)));
}

const std::vector<int32_t>& known_groups(const Dataset& data, std::string_view where) {
  if (data.groups.empty()) {
    throw usage_error("a split by group needs to know whose hand each image shows", where,
                      "Name a file with --groups");
  }
  return data.groups;
}

Fold random_fold(const std::vector<Row>& rows, double share) {
  const auto middle = rows.begin() + static_cast<int64_t>(part(share, rows.size()));
  return {{rows.begin(), middle}, {middle, rows.end()}, ""};
}

// A fold whose test part holds the rows chosen.
template <class IsTest>
Fold fold_by(const std::vector<Row>& rows, IsTest is_test, std::string name = "") {
  Fold fold;
  fold.name = std::move(name);
  for (const Row row : rows) (is_test(row) ? fold.test : fold.train).push_back(row);
  return fold;
}

Fold stratified_fold(const Rows& r, double share) {
  std::vector<size_t> left(r.data.classes.size(), 0);
  const auto label = [&](Row row) { return static_cast<size_t>(r.data.labels[row]); };
  for (const Row row : r.rows) ++left[label(row)];
  for (size_t& count : left) count = part(share, count);
  return fold_by(r.rows, [&](Row row) {
    size_t& count = left[label(row)];
    if (count == 0) return true;
    --count;
    return false;
  });
}

std::set<int32_t> groups_of(const Dataset& data, std::span<const Row> rows, std::string_view where = option) {
  std::set<int32_t> groups;
  const std::vector<int32_t>& known = known_groups(data, where);
  for (const Row row : rows) groups.insert(known[row]);
  return groups;
}

std::vector<int32_t> present_groups(const Rows& r) {
  const std::set<int32_t> distinct = groups_of(r.data, r.rows, r.where);
  if (distinct.size() < 2) {
    throw usage_error("all images are of one group", r.where,
                      "Split by a fraction instead, or name a file with --groups");
  }
  return {distinct.begin(), distinct.end()};
}

Fold group_fold(const Rows& r, double share) {
  std::vector<int32_t> groups = present_groups(r);
  r.group_rng().shuffle(std::span(groups));
  const size_t train = std::clamp<size_t>(part(share, groups.size()), 1, groups.size() - 1);
  const std::set<int32_t> held_out(groups.begin() + static_cast<int64_t>(train), groups.end());
  return fold_by(r.rows, [&](Row row) { return held_out.contains(r.data.groups[row]); });
}

std::vector<Fold> group_folds(const Rows& r) {
  std::vector<Fold> folds;
  for (const int32_t group : present_groups(r)) {
    folds.push_back(fold_by(
        r.rows, [&](Row row) { return r.data.groups[row] == group; },
        r.data.group_names[static_cast<size_t>(group)]));
  }
  return folds;
}

// The 5 of "kfold:5": parts that `count` things make.
int64_t part_count(std::string_view text, size_t count, const std::string& things, const std::string& how,
                   std::string_view where) {
  const auto k = parse_number<int64_t>(text);
  if (!k || *k < 2 || *k > static_cast<int64_t>(count)) {
    throw usage_error(
        "'" + how + "' is not possible", where,
        "Give a number of parts from 2 to the " + std::to_string(count) + " " + things + " there are");
  }
  return *k;
}

// The class of each group, by its number, where all groups are of one class each, as recordings of a sign
// are; else empty.
std::vector<int32_t> classes_of_groups(const Rows& r) {
  std::vector<int32_t> classes(r.data.group_names.size(), no_class);
  for (const Row row : r.rows) {
    int32_t& of_group = classes[static_cast<size_t>(r.data.groups[row])];
    if (of_group != no_class && of_group != r.data.labels[row]) return {};
    of_group = r.data.labels[row];
  }
  return classes;
}

// The largest group first, each into the part that is the smallest by then: parts are about equally large.
// Groups of one class each are dealt out class by class instead, so that no part has all of a class.
std::vector<Fold> group_k_folds(const Rows& r, std::string_view text, const std::string& how) {
  std::vector<int32_t> groups = present_groups(r);
  const int64_t k = part_count(text, groups.size(), "groups", how, r.where);
  std::vector<size_t> images(r.data.group_names.size(), 0), size(static_cast<size_t>(k), 0);
  for (const Row row : r.rows) ++images[static_cast<size_t>(r.data.groups[row])];
  r.group_rng().shuffle(std::span(groups));
  std::ranges::stable_sort(groups, std::greater(), [&](int32_t g) { return images[static_cast<size_t>(g)]; });
  const std::vector<int32_t> classes = classes_of_groups(r);
  if (!classes.empty())
    std::ranges::stable_sort(groups, {}, [&](int32_t g) { return classes[static_cast<size_t>(g)]; });
  std::vector<size_t> part_of(images.size(), 0);
  size_t dealt = 0;
  for (const int32_t group : groups) {
    const auto smallest = classes.empty() ? static_cast<size_t>(std::ranges::min_element(size) - size.begin())
                                          : dealt++ % size.size();
    part_of[static_cast<size_t>(group)] = smallest;
    size[smallest] += images[static_cast<size_t>(group)];
  }
  std::vector<Fold> folds;
  for (size_t f = 0; f < size.size(); ++f) {
    folds.push_back(fold_by(
        r.rows, [&](Row row) { return part_of[static_cast<size_t>(r.data.groups[row])] == f; },
        "fold " + std::to_string(f + 1)));
  }
  return folds;
}

std::vector<Fold> k_folds(const Rows& r, std::string_view text, const std::string& how) {
  const std::vector<Row>& rows = r.rows;
  const int64_t k = part_count(text, rows.size(), "images", how, r.where);
  const int64_t count = static_cast<int64_t>(rows.size());
  std::vector<Fold> folds;
  for (int64_t f = 0; f < k; ++f) {
    const auto begin = rows.begin() + count * f / k;
    const auto end = rows.begin() + count * (f + 1) / k;
    Fold fold{{rows.begin(), begin}, {begin, end}, "fold " + std::to_string(f + 1)};
    fold.train.insert(fold.train.end(), end, rows.end());
    folds.push_back(std::move(fold));
  }
  return folds;
}

// Deals the images of each class out one by one, so that parts differ by one image of a class at most.
std::vector<Fold> stratified_k_folds(const Rows& r, std::string_view text, const std::string& how) {
  const int64_t k = part_count(text, r.rows.size(), "images", how, r.where);
  std::vector<Row> by_class = r.rows;
  std::ranges::stable_sort(by_class, {}, [&](Row row) { return r.data.labels[row]; });
  std::vector<int64_t> part_of(static_cast<size_t>(r.data.size()), 0);
  for (size_t i = 0; i < by_class.size(); ++i) part_of[by_class[i]] = static_cast<int64_t>(i) % k;
  std::vector<Fold> folds;
  for (int64_t f = 0; f < k; ++f) {
    folds.push_back(fold_by(
        r.rows, [&](Row row) { return part_of[row] == f; }, "fold " + std::to_string(f + 1)));
  }
  return folds;
}

void check_classes(const Dataset& data, const std::vector<Row>& rows, const std::string& which,
                   std::string_view where = option) {
  std::vector<bool> seen(data.classes.size(), false);
  for (const Row row : rows) seen[static_cast<size_t>(data.labels[row])] = true;
  for (size_t c = 0; c < seen.size(); ++c) {
    if (seen[c]) continue;
    const bool is_alone = std::ranges::count(data.labels, static_cast<int32_t>(c)) == 1;
    throw usage_error("the " + which + " part has no image of class '" + data.classes[c] + "'", where,
                      is_alone ? "It has only one image: add some, or leave it out with --classes"
                               : "Use stratified:0.8, another --seed, or more images");
  }
}

// Moved in: a list in braces would be copied, and folds of large data are large.
std::vector<Fold> only(Fold fold) {
  std::vector<Fold> folds;
  folds.push_back(std::move(fold));
  return folds;
}

// A split of rows by any rule but a file; nothing when `how` is no such rule.
std::optional<Split> split_by_rule(const Rows& r, const std::string& how) {
  const size_t colon = how.find(':');
  const std::string_view kind = std::string_view(how).substr(0, colon);
  const std::string_view rest = colon == std::string::npos ? "0.8" : std::string_view(how).substr(colon + 1);
  const std::string seeded = ", seed " + std::to_string(r.seed);
  if (parse_number<double>(how))
    return Split{"random" + seeded, only(random_fold(r.rows, fraction(how, how, r.where)))};
  if (kind == "stratified")
    return Split{"random within each class" + seeded, only(stratified_fold(r, fraction(rest, how, r.where)))};
  if (kind == "group") return Split{"by group" + seeded, only(group_fold(r, fraction(rest, how, r.where)))};
  if (kind == "kfold" && colon != std::string::npos)
    return Split{std::string(rest) + " folds" + seeded, k_folds(r, rest, how)};
  if (kind == "stratified-kfold" && colon != std::string::npos)
    return Split{std::string(rest) + " folds within each class" + seeded, stratified_k_folds(r, rest, how)};
  if (kind == "group-kfold" && colon != std::string::npos)
    return Split{std::string(rest) + " folds by group" + seeded, group_k_folds(r, rest, how)};
  if (how == "leave-one-group-out") return Split{"one group left out at a time", group_folds(r)};
  return std::nullopt;
}

// Whether no group stands both in training and in the test.
bool keeps_groups_whole(const Dataset& data, const Fold& fold) {
  if (data.groups.empty()) return false;
  const std::set<int32_t> train = groups_of(data, fold.train);
  return std::ranges::none_of(groups_of(data, fold.test), [&](int32_t g) { return train.contains(g); });
}

Fold validation_fold(const Rows& r, const std::string& how, const Fold& outer, double share) {
  const std::string kind = how.substr(0, how.find(':'));
  if (kind.starts_with("stratified")) return stratified_fold(r, share);
  const bool by_rule = kind == "kfold" || parse_number<double>(how);
  const bool by_group = kind == "group" || kind == "group-kfold" || kind == "leave-one-group-out";
  if (by_group || (!by_rule && keeps_groups_whole(r.data, outer))) return group_fold(r, share);
  return random_fold(r.rows, share);
}

}  // namespace

Split make_split(const Dataset& data, const std::string& how, uint64_t seed, bool may_lack_classes) {
  std::optional<Split> split = split_by_rule(Rows(data, every_row(data), seed, 0, option), how);
  if (!split) split = read_split(how, data);
  if (!split) throw usage_error("'" + how + "' is not possible", option, forms);
  if (may_lack_classes) return *std::move(split);
  for (const Fold& fold : split->folds) check_classes(data, fold.train, "training");
  if (split->folds.size() == 1 && !how.starts_with("group"))
    check_classes(data, split->folds[0].test, "held-out");
  return *std::move(split);
}

Split split_rows(const Dataset& data, std::span<const Row> rows, const std::string& how, uint64_t seed) {
  std::optional<Split> split =
      split_by_rule(Rows(data, {rows.begin(), rows.end()}, seed, 1, inner_option), how);
  if (!split) throw usage_error("'" + how + "' is not possible within a training part", inner_option, rules);
  for (const Fold& fold : split->folds) check_classes(data, fold.train, "inner training", inner_option);
  return *std::move(split);
}

void nest_split(const Dataset& data, const std::string& how, uint64_t seed, Split& split) {
  for (Fold& fold : split.folds) fold.inner = split_rows(data, fold.train, how, seed).folds;
}

std::vector<Row> rows_of(const Dataset& data, const Split& split) {
  std::vector<bool> named(static_cast<size_t>(data.size()), false);
  for (const Fold& fold : split.folds) {
    for (const auto* rows : {&fold.train, &fold.validation, &fold.test}) {
      for (const Row row : *rows) named[row] = true;
    }
  }
  std::vector<Row> rows = every_row(data);
  std::erase_if(rows, [&](Row row) { return !named[row]; });
  return rows;
}

void cut_validation(const Dataset& data, const std::string& how, double share, uint64_t seed, Split& split) {
  for (Fold& fold : split.folds) {
    if (!fold.validation.empty()) continue;
    fold.validation =
        validation_fold(Rows(data, fold.train, seed, 1, validation_option), how, fold, 1 - share).test;
    std::vector<bool> taken(static_cast<size_t>(data.size()), false);
    for (const Row row : fold.validation) taken[row] = true;
    std::erase_if(fold.train, [&](Row row) { return taken[row]; });
    check_classes(data, fold.train, "training", validation_option);
  }
}

}  // namespace mudra
