#include "mudra/experiment/doubts.h"

#include <fmt/format.h>

#include <set>

#include "mudra/core/text.h"
#include "mudra/data/leaks.h"

namespace mudra {
namespace {

// Beyond this many comparisons the search takes minutes.
constexpr int64_t most_comparisons = 200'000'000;

int64_t tested(const Experiment& experiment) {
  int64_t images = 0;
  for (const Fold& fold : experiment.split.folds) images += static_cast<int64_t>(fold.test.size());
  return images;
}

// Held-out images whose group also trains in their fold.
int64_t images_of_known_hands(const Experiment& experiment) {
  int64_t images = 0;
  for (const Fold& fold : experiment.split.folds) {
    std::set<int32_t> trained;
    for (const Row row : fold.train) trained.insert(experiment.data.groups[row]);
    for (const Row row : fold.test) images += trained.contains(experiment.data.groups[row]);
  }
  return images;
}

}  // namespace

std::optional<int64_t> count_near_copies(const Experiment& experiment) {
  int64_t comparisons = 0;
  for (const Fold& fold : experiment.split.folds) {
    comparisons += static_cast<int64_t>(fold.train.size()) * static_cast<int64_t>(fold.test.size());
  }
  if (comparisons > most_comparisons || experiment.data.size() > most_searched) return {};
  ThreadTeam team(threads_allowed(experiment.options.run));
  return find_leaks(experiment.data, experiment.split, team, default_cache_folder()).test_with_twin;
}

std::string near_copy_warning(const Experiment& experiment, int64_t copies) {
  if (copies == 0) return {};
  return fmt::format(
      "{} of the {} held-out pictures {} a near copy among the training pictures: this is easier than a "
      "new hand. Splitting by hand tells more: --split group{}.",
      thousands(copies), thousands(tested(experiment)), copies == 1 ? "has" : "have",
      experiment.data.groups.empty() ? " --groups FILE" : "");
}

std::string same_hands_doubt(const Experiment& experiment) {
  if (experiment.data.groups.empty()) {
    return fmt::format(
        "The split was {}. Whose hands the pictures show is not known, so training may have seen the hands "
        "it is tested on.",
        experiment.split.description);
  }
  const int64_t known = images_of_known_hands(experiment);
  if (known == 0) {
    return fmt::format(
        "The split was {}: no hand it is tested on was in training, so this speaks for new hands.",
        experiment.split.description);
  }
  return fmt::format(
      "The split was {}: {} of the {} held-out pictures show a hand that training has seen too, so this "
      "speaks for more pictures of the same hands, not for new hands.",
      experiment.split.description, thousands(known), thousands(tested(experiment)));
}

}  // namespace mudra
