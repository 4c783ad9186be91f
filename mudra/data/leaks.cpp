#include "mudra/data/leaks.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/hash.h"
#include "mudra/data/image.h"
#include "mudra/data/near_copies.h"

namespace mudra {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Twins, test, train, similarity, degrees)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LeakReport, train, test, test_with_twin, pairs)

namespace {

// Part of the cache's key: another method must not meet the results of this one.
constexpr uint64_t method_version = 1;
constexpr int64_t images_per_task = 32;
constexpr size_t tested_together = 1024;  // between two calls of progress

// Calls work(row, grey) for every image, brought to 28x28 grey.
template <class Work>
void for_each_grey(const Pixels& pixels, ThreadTeam& team, const Work& work) {
  const Shape& shape = pixels.shape();
  const Preprocessing to{Fingerprint::size, Fingerprint::size, 1, Fit::keep_aspect};
  team.run((pixels.count() + images_per_task - 1) / images_per_task, [&](int64_t task) {
    Fitter fitter(static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]), to);
    std::vector<float> image(static_cast<size_t>(shape.per_example()));
    std::vector<float> grey(size_t{Fingerprint::size} * Fingerprint::size);
    const int64_t end = std::min((task + 1) * images_per_task, pixels.count());
    for (int64_t row = task * images_per_task; row < end; ++row) {
      pixels.read(row, image.data());
      fitter.apply(image.data(), grey.data());
      work(row, std::span<const float>(grey));
    }
  });
}

// Names this data under this split, whatever their files are called.
std::string key_of(const Dataset& data, const Split& split, ThreadTeam& team) {
  std::vector<XXH64_hash_t> images(static_cast<size_t>(data.size()));
  for_each_grey(data.pixels, team, [&](int64_t row, std::span<const float> grey) {
    images[static_cast<size_t>(row)] = XXH3_64bits(grey.data(), grey.size_bytes());
  });
  Hash128 hash;
  hash.add(&method_version, sizeof method_version);
  const auto add = [&](const auto& rows) {
    const uint64_t count = rows.size();
    hash.add(&count, sizeof count);
    hash.add_values(rows);
  };
  add(images);
  for (const Fold& fold : split.folds) {
    add(fold.train);
    add(fold.test);
  }
  return hash.text();
}

std::optional<LeakReport> read_cached(const std::filesystem::path& file) {
  try {
    if (!std::filesystem::exists(file)) return std::nullopt;
    return nlohmann::json::parse(read_file(file)).get<LeakReport>();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

LeakReport search(const Dataset& data, const Split& split, ThreadTeam& team, const Progress& progress) {
  std::vector<Fingerprint> fingerprints(static_cast<size_t>(data.size()));
  for_each_grey(data.pixels, team, [&](int64_t row, std::span<const float> grey) {
    fingerprints[static_cast<size_t>(row)] = make_fingerprint(grey);
  });
  LeakReport report;
  int64_t tests = 0;
  for (const Fold& fold : split.folds) tests += static_cast<int64_t>(fold.test.size());
  std::vector<bool> trains(fingerprints.size(), false);
  for (const Fold& fold : split.folds) {
    for (const Row row : fold.train) trains[row] = true;
    for (size_t first = 0; first < fold.test.size(); first += tested_together) {
      progress(report.test, tests);
      const auto some =
          std::span(fold.test).subspan(first, std::min(tested_together, fold.test.size() - first));
      const auto copies = find_copies(fingerprints, some, fold.train, team);
      for (size_t i = 0; i < copies.size(); ++i) {
        for (const Match& match : copies[i]) {
          report.pairs.push_back({some[i], match.row, match.similarity, match.degrees});
        }
        if (!copies[i].empty()) ++report.test_with_twin;
      }
      report.test += static_cast<int64_t>(some.size());
    }
  }
  report.train = std::count(trains.begin(), trains.end(), true);
  return report;
}

}  // namespace

LeakReport find_leaks(const Dataset& data, const Split& split, ThreadTeam& team,
                      const std::filesystem::path& cache, const Progress& progress) {
  if (data.size() > most_searched) {
    throw Error("has " + std::to_string(data.size()) +
                    " images, and near copies are looked for in no more than " +
                    std::to_string(most_searched) + ": every held-out image meets every training image",
                data.source, "Look at a part of them: fewer --classes, or a smaller file");
  }
  if (cache.empty()) return search(data, split, team, progress);
  const std::filesystem::path file = cache / ("leaks-" + key_of(data, split, team) + ".json");
  if (std::optional<LeakReport> known = read_cached(file)) return *known;
  LeakReport report = search(data, split, team, progress);
  try {
    std::filesystem::create_directories(cache);
    write_file_atomically(file, leaks_text(report));
  } catch (const std::exception&) {
    // A full or read-only disk costs time, not the result.
  }
  return report;
}

std::filesystem::path default_cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::filesystem::path(cache) / "mudra";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::filesystem::path(home) / ".cache" / "mudra";
  return {};
}

std::string leaks_text(const LeakReport& report) { return nlohmann::json(report).dump(1) + "\n"; }

std::optional<int64_t> count_near_copies(const Dataset& data, const Split& split, ThreadTeam& team) {
  constexpr int64_t most_comparisons = 200'000'000;
  int64_t comparisons = 0;
  for (const Fold& fold : split.folds)
    comparisons += static_cast<int64_t>(fold.train.size()) * static_cast<int64_t>(fold.test.size());
  if (comparisons > most_comparisons || data.size() > most_searched) return {};
  return find_leaks(data, split, team, default_cache_folder()).test_with_twin;
}

}  // namespace mudra
