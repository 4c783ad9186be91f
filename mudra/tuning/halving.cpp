#include "mudra/tuning/halving.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace mudra {
namespace {

bool is_better(const RungScore& a, const RungScore& b) {
  const auto order = [](const RungScore& of) {
    return std::tuple(-of.score, std::isnan(of.loss) ? std::numeric_limits<double>::infinity() : of.loss);
  };
  return order(a) < order(b);
}

// The trials that have come to a rung, the best there first.
std::vector<const Trial*> at_rung(std::span<const Trial> trials, size_t rung) {
  std::vector<const Trial*> there;
  for (const Trial& trial : trials) {
    if (trial.rungs.size() > rung) there.push_back(&trial);
  }
  std::ranges::stable_sort(
      there, [&](const Trial* a, const Trial* b) { return is_better(a->rungs[rung], b->rungs[rung]); });
  return there;
}

}  // namespace

std::vector<int> rungs_of(int epochs, int factor) {
  constexpr size_t most = 4;
  std::vector<int> rungs{epochs};
  while (factor > 1 && rungs.back() > 1 && rungs.size() < most)
    rungs.push_back((rungs.back() + factor - 1) / factor);
  std::ranges::reverse(rungs);
  return rungs;
}

std::vector<const Trial*> ranked(std::span<const Trial> trials) {
  std::vector<const Trial*> all;
  for (const Trial& trial : trials) {
    if (!trial.rungs.empty() || trial.state == TrialState::failed) all.push_back(&trial);
  }
  std::ranges::stable_sort(all, [](const Trial* a, const Trial* b) {
    const bool a_failed = a->state == TrialState::failed, b_failed = b->state == TrialState::failed;
    if (a_failed || b_failed) return !a_failed && b_failed;
    if (a->rungs.size() != b->rungs.size()) return a->rungs.size() > b->rungs.size();
    return is_better(a->rungs.back(), b->rungs.back());
  });
  return all;
}

const Trial* best_of(std::span<const Trial> trials) {
  const std::vector<const Trial*> all = ranked(trials);
  return all.empty() || all.front()->state == TrialState::failed ? nullptr : all.front();
}

std::optional<NextStep> next_step(std::span<const Trial> trials, std::span<const int> rungs, int factor,
                                  int most) {
  for (size_t rung = rungs.size() - 1; rung-- > 0;) {
    const std::vector<const Trial*> there = at_rung(trials, rung);
    for (size_t place = 0; place < there.size() / static_cast<size_t>(factor); ++place) {
      const Trial& trial = *there[place];
      if (trial.state == TrialState::waiting && trial.rungs.size() == rung + 1)
        return NextStep{trial.number, rung + 1};
    }
  }
  bool is_any_running = false, is_any_complete = false;
  for (const Trial& trial : trials) {
    if (trial.state == TrialState::waiting && trial.rungs.empty()) return NextStep{trial.number, 0};
    is_any_running = is_any_running || trial.state == TrialState::running;
    is_any_complete = is_any_complete || trial.state == TrialState::complete;
  }
  if (trials.size() < static_cast<size_t>(most)) return NextStep{static_cast<int>(trials.size()) + 1, 0};
  const Trial* best = best_of(trials);
  if (is_any_running || is_any_complete || best == nullptr) return std::nullopt;
  return NextStep{best->number, best->rungs.size()};
}

bool may_go_on(std::span<const Trial> trials, const Trial& trial, int factor, int most) {
  if (trial.state != TrialState::waiting || trial.rungs.empty()) return false;
  const size_t rung = trial.rungs.size() - 1;
  auto places = static_cast<size_t>(most);
  for (size_t i = 0; i <= rung; ++i) places /= static_cast<size_t>(factor);
  const std::vector<const Trial*> there = at_rung(trials, rung);
  const auto place = std::ranges::find(there, trial.number, &Trial::number) - there.begin();
  return static_cast<size_t>(place) < std::max<size_t>(places, 1);
}

}  // namespace mudra
