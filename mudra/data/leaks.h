// Test images whose photograph was also in training: why a random split may promise too much.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/data/split.h"

namespace mudra {

struct Twins {          // a test image and a training image that show one photograph
  int64_t test, train;  // rows of the data set
  float similarity;     // correlation once aligned, copy_similarity..1
  float degrees;        // by which the training image is turned to become the test image, clockwise
  bool operator==(const Twins&) const = default;
};

struct LeakReport {
  int64_t train = 0;           // images that train (in any fold)
  int64_t test = 0;            // images that are tested, over all folds
  int64_t test_with_twin = 0;  // of those, how many have a near copy in their fold's training part
  std::vector<Twins> pairs;    // each such image with its nearest copies, closest first, in the folds' order
  bool operator==(const LeakReport&) const = default;
};

// Finds near copies across each fold: turned by up to 70 degrees, shifted by up to a fifth, scaled by up to
// a third, brighter or darker. Images of any size and colour are compared in grey at 28x28. With a `cache`
// folder the result is kept there under the hash of pixels and split, and read back the next time; a cache
// that cannot be read or written is as good as none. docs/leaks.md says how well this does. Throws Error,
// before it takes memory or time, when there are more than most_searched images.
LeakReport find_leaks(const Dataset& data, const Split& split, ThreadTeam& team,
                      const std::filesystem::path& cache = {}, const Progress& progress = {});

// Each takes 5 kB, 1.3 GB together; four to one they are ten billion pairs, half an hour of one thread.
inline constexpr int64_t most_searched = 250'000;

// Test images with a near copy in their fold's training part, with the cache of default_cache_folder();
// nothing where the search would take minutes.
std::optional<int64_t> count_near_copies(const Dataset& data, const Split& split, ThreadTeam& team);

// $XDG_CACHE_HOME/mudra, else ~/.cache/mudra; empty when neither is known.
std::filesystem::path default_cache_folder();

// {train, test, test_with_twin, pairs: [{test, train, similarity, degrees}]}
std::string leaks_text(const LeakReport& report);

}  // namespace mudra
