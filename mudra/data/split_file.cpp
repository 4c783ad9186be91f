// A split as a JSON file, so that it can be used again and by other programs.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "mudra/core/atomic_file.h"
#include "mudra/core/did_you_mean.h"
#include "mudra/core/error.h"
#include "mudra/core/number.h"
#include "mudra/core/text.h"
#include "mudra/data/split.h"

namespace mudra {
namespace {

constexpr std::string_view remedy =
    "Use the split.json of a run, or what `mudra data split --out split.json` writes";

// A fold of a split file and those within it; `outer_test` are the rows those may not touch.
Fold read_fold(const nlohmann::json& entry, int64_t images, const std::string& path,
               const std::vector<bool>& outer_test = {}) {
  std::vector<bool> taken = outer_test, test(static_cast<size_t>(images), false);
  taken.resize(static_cast<size_t>(images), false);
  const auto rows_in = [&](const nlohmann::json& list) {
    std::vector<Row> rows;
    for (const nlohmann::json& number : list.get_ref<const nlohmann::json::array_t&>()) {
      const auto row = number.get<int64_t>();
      if (row < 0 || row >= images)
        throw usage_error("names row " + std::to_string(row) + ", but there is no such row", path);
      if (taken[static_cast<size_t>(row)]) {
        const bool is_outer = !outer_test.empty() && outer_test[static_cast<size_t>(row)];
        throw usage_error("names row " + std::to_string(row) +
                              (is_outer ? " of a test part within its training part" : " twice"),
                          path);
      }
      taken[static_cast<size_t>(row)] = true;
      rows.push_back(static_cast<Row>(row));
    }
    return rows;
  };
  Fold fold{rows_in(entry.at("train")), rows_in(entry.at("test")), entry.at("name").get<std::string>(),
            rows_in(entry.value("validation", nlohmann::json::array()))};
  for (const Row row : fold.test) test[row] = true;
  if (!outer_test.empty()) return fold;
  const nlohmann::json none = nlohmann::json::array();
  const auto inner = entry.find("inner");
  for (const nlohmann::json& within : inner == entry.end() ? none : *inner)
    fold.inner.push_back(read_fold(within, images, path, test));
  return fold;
}

Split read_whole_split(const std::string& path, const Dataset& data) {
  Split split;
  try {
    const nlohmann::json file = nlohmann::json::parse(read_file(path, size_t{1} << 30));
    std::vector<std::string> missing;
    for (const char* key : {"description", "images", "folds"}) {
      if (!file.contains(key)) missing.emplace_back(key);
    }
    if (!missing.empty()) throw usage_error("is no split file: it lacks " + listed(missing), path, remedy);
    if (file.at("images").get<int64_t>() != data.size()) {
      throw usage_error(
          "was made for " + file.at("images").dump() + " images, not " + std::to_string(data.size()), path,
          "Use it with the data and classes it was made for");
    }
    split.description = file.at("description").get<std::string>();
    for (const auto& entry : file.at("folds")) split.folds.push_back(read_fold(entry, data.size(), path));
  } catch (const nlohmann::json::exception& error) {
    throw usage_error(std::string("is no split file (") + error.what() + ")", path, remedy);
  }
  if (split.folds.empty()) throw usage_error("holds no fold", path);
  return split;
}

}  // namespace

std::optional<Split> read_split(const std::string& how, const Dataset& data) {
  if (std::filesystem::is_regular_file(how)) return read_whole_split(how, data);
  // "nested.json:fold 2" or "nested.json:2"
  const size_t colon = std::min(how.rfind(':'), how.size());
  const std::string path = how.substr(0, colon);
  if (colon == how.size() || !std::filesystem::is_regular_file(path)) {
    const std::string& meant = how.ends_with(".json") ? how : path;
    if (meant.ends_with(".json")) throw usage_error("there is no such split file", meant, remedy);
    return std::nullopt;
  }
  const std::string wanted = how.substr(colon + 1);
  Split split = read_whole_split(path, data);
  std::vector<std::string> names;
  for (const Fold& fold : split.folds)
    names.push_back(fold.name.empty() ? std::to_string(names.size() + 1) : fold.name);
  auto named = static_cast<size_t>(std::ranges::find(names, wanted) - names.begin());
  const auto number = parse_number<size_t>(wanted);
  if (named == names.size() && number && *number >= 1) named = *number - 1;
  if (named >= names.size())
    throw usage_error("has no fold '" + wanted + "'", path, did_you_mean(wanted, names));
  if (split.folds[named].inner.empty()) {
    throw usage_error("has no folds within '" + names[named] + "'", path,
                      "Make a nested split with `mudra data split --inner`");
  }
  return Split{split.description + ", within " + names[named], std::move(split.folds[named].inner)};
}

std::string split_text(const Split& split, int64_t images) {
  std::string text;
  split_text(split, images, [&](std::string_view piece) { text += piece; });
  return text;
}

// By hand: a JSON document in memory takes more than the data of a large split.
void split_text(const Split& split, int64_t images, const std::function<void(std::string_view)>& take) {
  std::string piece = "{\"description\":" + nlohmann::json(split.description).dump() + ",\"folds\":[";
  const auto add = [&](const char* name, const std::vector<Row>& rows) {
    piece += std::string(",\"") + name + "\":[";
    for (size_t i = 0; i < rows.size(); ++i) {
      piece += (i == 0 ? "" : ",") + std::to_string(rows[i]);
      if (piece.size() < (size_t{1} << 16)) continue;
      take(piece);
      piece.clear();
    }
    piece += "]";
  };
  const std::function<void(const std::vector<Fold>&)> add_folds = [&](const std::vector<Fold>& folds) {
    for (const Fold& fold : folds) {
      piece += (&fold == &folds[0] ? "{\"name\":" : ",{\"name\":") + nlohmann::json(fold.name).dump();
      add("test", fold.test);
      add("train", fold.train);
      if (!fold.validation.empty()) add("validation", fold.validation);
      if (!fold.inner.empty()) {
        piece += ",\"inner\":[";
        add_folds(fold.inner);
        piece += "]";
      }
      piece += "}";
    }
  };
  add_folds(split.folds);
  take(piece + "],\"images\":" + std::to_string(images) + "}\n");
}

void write_split(const Split& split, int64_t images, const std::filesystem::path& path) {
  AtomicFile file(path);
  split_text(split, images, [&](std::string_view piece) { file.write(piece); });
  file.commit();
}

}  // namespace mudra
