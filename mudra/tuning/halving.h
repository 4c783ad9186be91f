// Which trial goes on, and which begins: asynchronous successive halving, Li et al. 2020, "A system for
// massively parallel hyperparameter tuning" (ASHA). A trial trains up to a rung, a number of epochs, and
// waits there. Of those that came so far the best third (for a factor of three) goes on to the next rung,
// with the weights it has.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mudra/core/named.h"
#include "mudra/tuning/space.h"

namespace mudra {

// What the inner folds tell of a trial at a rung: means over them.
struct RungScore {
  int epochs = 0;    // trained so far
  double score = 0;  // share of right answers
  double loss = 0;
  double seconds = 0;  // of training steps, from the rung before to this one
  int order = 0;       // of all rungs reached in this search, from 1
};

enum class TrialState {
  running,   // now, in some process
  waiting,   // at a rung
  complete,  // has trained all epochs
  failed,    // its training diverged
};
template <>
struct Named<TrialState> {
  static constexpr std::pair<TrialState, std::string_view> values[] = {{TrialState::running, "running"},
                                                                       {TrialState::waiting, "waiting"},
                                                                       {TrialState::complete, "complete"},
                                                                       {TrialState::failed, "failed"}};
};

struct Trial {
  int number = 0;  // from 1
  Draw draw;
  TrialState state = TrialState::waiting;
  std::vector<RungScore> rungs;  // reached, from the lowest
  std::string problem;           // why it failed

  const RungScore* last() const { return rungs.empty() ? nullptr : &rungs.back(); }
};

// The epochs at which trials are compared, the last of them `epochs`: each `factor` times the one before,
// four at most. A factor of 1 is no halving.
std::vector<int> rungs_of(int epochs, int factor);

// The trials that have a score, or failed, the best first: those that came farther before the others, then by
// score at the farthest rung, then by lower loss. Failed ones last.
std::vector<const Trial*> ranked(std::span<const Trial> trials);

// The best, if any has a score.
const Trial* best_of(std::span<const Trial> trials);

struct NextStep {
  int trial = 0;    // its number; one more than there are: a new one
  size_t rung = 0;  // which it trains up to
};

// The highest trial that may go on; else one that never came to a rung; else a new one, up to `most` of them;
// else, when none has trained all epochs and none is training, the best of the highest rung. Nothing when
// there is nothing to do (yet, if some are running). `trials` are in the order of their numbers.
std::optional<NextStep> next_step(std::span<const Trial> trials, std::span<const int> rungs, int factor,
                                  int most);

// Whether a trial that waits may still be asked to go on when all `most` trials have come: others' weights
// need not be kept.
bool may_go_on(std::span<const Trial> trials, const Trial& trial, int factor, int most);

}  // namespace mudra
