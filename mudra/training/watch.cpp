#include "mudra/training/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "mudra/core/text.h"

namespace mudra {
namespace {

class Watch {
 public:
  Watch(std::span<const Epoch> history, const TrainingFacts& facts, std::span<const TrainingWarning> said)
      : history_(history), facts_(facts), warnings_(said.begin(), said.end()), old_(said.size()) {}

  std::vector<TrainingWarning> look() {
    using enum TrainingTrouble;
    if (is_new(collapse) && collapses()) {
      say(collapse, fmt::format("{} of the training pictures get the same answer: the network has collapsed "
                                "to one class. Lower --learning-rate, warm up with --warm-up 1, or try "
                                "another --init or a smaller network.",
                                percent(now().same_answer)));
    }
    if (is_new(divergence) && diverges()) {
      say(divergence, fmt::format("the training loss has risen from {:.3g} to {:.3g}: the steps are too "
                                  "long. Lower --learning-rate, or shorten gradients with --clip 1.",
                                  history_.front().loss_train, now().loss_train));
    }
    if (is_new(does_nothing) && is_new(collapse) && is_late() && does_nothing_at_all()) {
      say(does_nothing, fmt::format("the training loss, {:.3g}, has not moved by more than chance: the steps "
                                    "may be too short. Raise --learning-rate, ten times for a try.",
                                    now().loss_train));
    }
    if (is_new(baseline) && is_new(collapse) && is_new(does_nothing) && is_late() && is_at_baseline()) {
      say(baseline, fmt::format("the network is right on {} of the training pictures, no better than always "
                                "one answer, {}. Train longer, try another --learning-rate or --network, or "
                                "look whether pictures and labels belong together.",
                                percent(now().accuracy_train), percent(facts_.most_frequent)));
    }
    if (is_new(validation)) look_at_validation();
    return {warnings_.begin() + static_cast<int64_t>(old_), warnings_.end()};
  }

 private:
  const Epoch& now() const { return history_.back(); }
  bool is_new(TrainingTrouble trouble) const {
    return std::ranges::find(warnings_, trouble, &TrainingWarning::trouble) == warnings_.end();
  }
  void say(TrainingTrouble trouble, std::string text) {
    warnings_.push_back({trouble, now().number, std::move(text)});
  }

  bool is_late() const { return now().number >= 3 && 5 * now().number >= facts_.epochs; }
  double ignorance() const { return std::log(static_cast<double>(facts_.classes)); }

  bool collapses() const {
    constexpr double almost_all = 0.99;
    return history_.size() > 1 && facts_.most_frequent < 0.9 && now().same_answer >= almost_all &&
           history_[history_.size() - 2].same_answer >= almost_all;
  }

  bool diverges() const {
    return now().loss_train > 2 * history_.front().loss_train && now().loss_train > 1.5 * ignorance();
  }

  bool does_nothing_at_all() const {
    const auto [least, most] = std::ranges::minmax_element(history_, {}, &Epoch::loss_train);
    const double noise = (history_.front().noise_train + now().noise_train) / 2;
    return now().loss_train > ignorance() / 2 && most->loss_train - least->loss_train < 3 * noise;
  }

  bool is_at_baseline() const {
    const double share = facts_.most_frequent;
    const double error = std::sqrt(share * (1 - share) / static_cast<double>(facts_.images));
    return share < 1 && now().accuracy_train <= share + 2 * error;
  }

  void look_at_validation() {
    const auto epochs = static_cast<size_t>(now().number);
    if (facts_.validation == 0 || epochs < 4 || 2 * now().number < facts_.epochs) return;
    const std::span<const Epoch> late = history_.subspan(epochs / 2);
    const auto [least, most] = std::ranges::minmax_element(late, {}, &Epoch::accuracy_validation);
    // Wilson's interval of the best accuracy, as evaluation/interval.h has it.
    const auto n = static_cast<double>(facts_.validation);
    constexpr double z = 1.959963984540054;
    const double p = most->accuracy_validation;
    const double width = 2 * z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    constexpr double wide = 0.1;
    if (!(width > wide && width > most->accuracy_validation - least->accuracy_validation)) return;
    say(TrainingTrouble::validation,
        fmt::format(
            "the {} validation pictures are too few to choose an epoch by: {} may be off by {:.0f} "
            "points to either side, and the last epochs differ by {:.0f}. Give a larger --validation, "
            "or more pictures.",
            thousands(facts_.validation), percent(p), 50 * width,
            100 * (most->accuracy_validation - least->accuracy_validation)));
  }

  std::span<const Epoch> history_;
  const TrainingFacts& facts_;
  std::vector<TrainingWarning> warnings_;
  size_t old_;
};

}  // namespace

TrainingFacts facts_of(const Dataset& data, const Fold& fold, const TrainingOptions& options) {
  std::vector<int64_t> images(data.classes.size(), 0);
  for (const Row row : fold.train) ++images[static_cast<size_t>(data.labels[row])];
  TrainingFacts facts;
  facts.classes = static_cast<int64_t>(data.classes.size());
  facts.images = static_cast<int64_t>(fold.train.size());
  facts.validation = static_cast<int64_t>(fold.validation.size());
  facts.most_frequent =
      static_cast<double>(std::ranges::max(images)) / static_cast<double>(fold.train.size());
  facts.epochs = options.epochs;
  return facts;
}

std::vector<TrainingWarning> watch(std::span<const Epoch> history, const TrainingFacts& facts,
                                   std::span<const TrainingWarning> said) {
  return Watch(history, facts, said).look();
}

std::vector<TrainingWarning> watch(std::span<const Epoch> history, const TrainingFacts& facts) {
  std::vector<TrainingWarning> all;
  for (size_t epochs = 1; epochs <= history.size(); ++epochs) {
    std::vector<TrainingWarning> more = watch(history.first(epochs), facts, all);
    std::ranges::move(more, std::back_inserter(all));
  }
  return all;
}

}  // namespace mudra
