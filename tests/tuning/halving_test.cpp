// Which trial goes on. The tables are worked out by hand from algorithm 2 of Li et al. 2020 (ASHA).
#include "mudra/tuning/halving.h"

#include <gtest/gtest.h>

#include <limits>

namespace mudra {
namespace {

Trial trial(int number, const std::vector<double>& scores, TrialState state = TrialState::waiting) {
  Trial made;
  made.number = number;
  made.state = state;
  for (const double score : scores) made.rungs.push_back({1, score, 1 - score, 0, 0});
  return made;
}

const std::vector<int> rungs = {1, 3, 9};

using Pair = std::pair<int, size_t>;
Pair next(const std::vector<Trial>& trials, int most = 9, int factor = 3) {
  const auto step = next_step(trials, rungs, factor, most);
  return step ? Pair{step->trial, step->rung} : Pair{0, 0};
}

TEST(Halving, RungsGrowByTheFactorToTheLastEpoch) {
  EXPECT_EQ(rungs_of(27, 3), (std::vector<int>{1, 3, 9, 27}));
  EXPECT_EQ(rungs_of(30, 3), (std::vector<int>{2, 4, 10, 30}));
  EXPECT_EQ(rungs_of(100, 2), (std::vector<int>{13, 25, 50, 100}));
  EXPECT_EQ(rungs_of(2, 3), (std::vector<int>{1, 2}));
  EXPECT_EQ(rungs_of(1, 3), (std::vector<int>{1}));
  EXPECT_EQ(rungs_of(30, 1), (std::vector<int>{30}));
}

TEST(Halving, BeginsTrialsUntilAThirdOfThemIsOne) {
  EXPECT_EQ(next({}), Pair(1, 0));
  EXPECT_EQ(next({trial(1, {.5})}), Pair(2, 0));
  EXPECT_EQ(next({trial(1, {.5}), trial(2, {.7})}), Pair(3, 0));
  EXPECT_EQ(next({trial(1, {.5}), trial(2, {.7}), trial(3, {.6})}), Pair(2, 1));
}

TEST(Halving, TheHighestTrialThatMayGoOnComesFirst) {
  // Of three at the second rung, the best goes on before anyone at the first.
  const std::vector<Trial> trials = {trial(1, {.9, .91}), trial(2, {.8, .95}), trial(3, {.7, .90}),
                                     trial(4, {.99}),     trial(5, {.1}),      trial(6, {.2}),
                                     trial(7, {.3}),      trial(8, {.4}),      trial(9, {.5})};
  EXPECT_EQ(next(trials), Pair(2, 2));
}

TEST(Halving, WhoWentOnAlreadyKeepsItsPlace) {
  // Trials 1 and 2 are the best two of six, and went on: nobody else may, until nine have come.
  std::vector<Trial> trials = {trial(1, {.9, .9}), trial(2, {.8, .8}), trial(3, {.7}),
                               trial(4, {.1}),     trial(5, {.1}),     trial(6, {.1})};
  EXPECT_EQ(next(trials), Pair(7, 0));
  for (int number = 7; number <= 9; ++number) trials.push_back(trial(number, {.2}));
  EXPECT_EQ(next(trials), Pair(3, 1));
}

TEST(Halving, LowerLossDecidesBetweenEqualScores) {
  std::vector<Trial> trials = {trial(1, {.9}), trial(2, {.9}), trial(3, {.9})};
  trials[1].rungs[0].loss = 0.01;
  EXPECT_EQ(next(trials), Pair(2, 1));
}

TEST(Halving, ALossThatIsNoNumberIsTheWorst) {
  std::vector<Trial> trials = {trial(1, {.9}), trial(2, {.9}), trial(3, {.9})};
  trials[0].rungs[0].loss = std::numeric_limits<double>::quiet_NaN();
  trials[1].rungs[0].loss = 5;
  trials[2].rungs[0].loss = 4;
  EXPECT_EQ(next(trials), Pair(3, 1));
}

TEST(Halving, WhoNeverCameToARungBeginsAgain) { EXPECT_EQ(next({trial(1, {.5}), trial(2, {})}), Pair(2, 0)); }

TEST(Halving, InTheEndTheBestTrainsAllEpochs) {
  EXPECT_EQ(next({trial(1, {.5}), trial(2, {.7})}, 2), Pair(2, 1));
  EXPECT_EQ(next({trial(1, {.5}), trial(2, {.7, .6})}, 2), Pair(2, 2));
  EXPECT_EQ(next({trial(1, {.5}), trial(2, {.7, .6, .8}, TrialState::complete)}, 2), Pair(0, 0));
}

TEST(Halving, NobodyIsTakenWhileOthersTrainTheLast) {
  EXPECT_EQ(next({trial(1, {.5}), trial(2, {}, TrialState::running)}, 2), Pair(0, 0));
}

TEST(Halving, AFailedTrialNeverGoesOn) {
  EXPECT_EQ(next({trial(1, {.9}, TrialState::failed), trial(2, {.5}), trial(3, {.4})}, 3), Pair(2, 1));
  EXPECT_EQ(next({trial(1, {}, TrialState::failed)}, 1), Pair(0, 0));
}

TEST(Halving, WithoutItEveryTrialTrainsAllEpochs) {
  const std::vector<int> all = {9};
  EXPECT_EQ(next_step({}, all, 1, 2)->trial, 1);
  const std::vector<Trial> one = {trial(1, {.9}, TrialState::complete)};
  EXPECT_EQ(next_step(one, all, 1, 2)->trial, 2);
  EXPECT_EQ(next_step(one, all, 1, 1), std::nullopt);
}

TEST(Halving, RanksByHowFarThenByScoreThenByLoss) {
  const std::vector<Trial> trials = {trial(1, {.5}), trial(2, {.9}), trial(3, {.4, .3}),
                                     trial(4, {}, TrialState::failed), trial(5, {}, TrialState::running)};
  std::vector<int> order;
  for (const Trial* each : ranked(trials)) order.push_back(each->number);
  EXPECT_EQ(order, (std::vector<int>{3, 2, 1, 4}));
  EXPECT_EQ(best_of(trials)->number, 3);
  EXPECT_EQ(best_of(std::vector<Trial>{trial(1, {}, TrialState::failed)}), nullptr);
}

TEST(Halving, WeightsAreKeptOnlyOfWhoMayGoOn) {
  // Of nine trials three come to the second rung and one to the third.
  std::vector<Trial> trials;
  for (int number = 1; number <= 4; ++number) trials.push_back(trial(number, {1 - 0.1 * number}));
  EXPECT_TRUE(may_go_on(trials, trials[2], 3, 9));
  EXPECT_FALSE(may_go_on(trials, trials[3], 3, 9));
  trials[0].rungs.push_back({3, .9, .1, 0, 0});
  trials[1].rungs.push_back({3, .8, .2, 0, 0});
  EXPECT_TRUE(may_go_on(trials, trials[0], 3, 9));
  EXPECT_FALSE(may_go_on(trials, trials[1], 3, 9));
  trials[0].state = TrialState::complete;
  EXPECT_FALSE(may_go_on(trials, trials[0], 3, 9));
}

}  // namespace
}  // namespace mudra
