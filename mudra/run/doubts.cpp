#include "mudra/run/doubts.h"

#include <fmt/format.h>

#include <set>

#include "mudra/core/text.h"
#include "mudra/data/leaks.h"

namespace mudra {
namespace {

// Beyond this many comparisons the search takes minutes.
constexpr int64_t most_comparisons = 200'000'000;

// Held-out images whose group also trains in their fold.
int64_t images_of_known_hands(const Run& run) {
  int64_t images = 0;
  for (const Fold& fold : run.split.folds) {
    std::set<int32_t> trained;
    for (const Row row : fold.train) trained.insert(run.data.groups[row]);
    for (const Row row : fold.test) images += trained.contains(run.data.groups[row]);
  }
  return images;
}

}  // namespace

std::optional<int64_t> count_near_copies(const Run& run) {
  int64_t comparisons = 0;
  for (const Fold& fold : run.split.folds) {
    comparisons += static_cast<int64_t>(fold.train.size()) * static_cast<int64_t>(fold.test.size());
  }
  if (comparisons > most_comparisons || run.data.size() > most_searched) return {};
  ThreadTeam team(run.options.threads > 0 ? run.options.threads : available_processors());
  return find_leaks(run.data, run.split, team, default_cache_folder()).test_with_twin;
}

std::string near_copy_warning(const Run& run, int64_t copies) {
  if (copies == 0) return {};
  return fmt::format(
      "{} of the {} held-out pictures {} a near copy among the training pictures: this is easier than a "
      "new hand. Splitting by hand tells more: --split group{}.",
      thousands(copies), thousands(run.test.n), copies == 1 ? "has" : "have",
      run.data.groups.empty() ? " --groups FILE" : "");
}

std::string same_hands_doubt(const Run& run) {
  if (run.data.groups.empty()) {
    return fmt::format(
        "The split was {}. Whose hands the pictures show is not known, so training may have seen the hands "
        "it is tested on.",
        run.split.description);
  }
  const int64_t known = images_of_known_hands(run);
  if (known == 0) {
    return fmt::format(
        "The split was {}: no hand it is tested on was in training, so this speaks for new hands.",
        run.split.description);
  }
  return fmt::format(
      "The split was {}: {} of the {} held-out pictures show a hand that training has seen too, so this "
      "speaks for more pictures of the same hands, not for new hands.",
      run.split.description, thousands(known), thousands(run.test.n));
}

}  // namespace mudra
