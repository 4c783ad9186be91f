// What is promised of a training that is watched: it is the training of `mudra train`, and it goes back.
#include "mudra/learn/live_training.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "mudra/core/error.h"
#include "mudra/experiment/choices.h"
#include "mudra/learn/live_options.h"
#include "tests/message.h"

namespace mudra {
namespace {

using Given = std::map<std::string, std::string>;

constexpr double long_enough = 1e9;  // seconds

Options small(Given more = {}) {
  more.insert({{"data", "synth:150"}, {"network", "dense 12, sigmoid"}, {"classes", "0,5"}, {"seed", "7"}});
  more.insert({{"optimizer", "sgd"}, {"learning-rate", "0.1"}, {"batch-size", "8"}, {"split", "group"}});
  return live_options(more, {});
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

TEST(LiveTraining, HasTheBitsOfATrainingThatNobodyWatches) {
  LiveTraining live(small({{"optimizer", "adam"}}));
  live.advance_epochs(2, long_enough);
  live.advance(live.batches() - 1, long_enough);  // not at once
  live.advance(1, long_enough);
  const LiveState state = live.state();
  EXPECT_EQ(state.epoch, 4);
  EXPECT_EQ(state.step, 3 * live.batches());
  EXPECT_EQ(state.batch, 0);

  Options options = small({{"optimizer", "adam"}});
  ThreadTeam team(1);
  const Experiment experiment = prepare(load_and_choose(options, team).data, options);
  Trainer trainer = trainer_for(experiment, 0, team);
  trainer.run(3);
  std::vector<float> trained;
  for (const auto& named : trainer.network().parameters()) {
    const std::vector<float> values = to_file_order(named.parameter);
    trained.insert(trained.end(), values.begin(), values.end());
  }
  EXPECT_TRUE(same(live.weights(), trained));
  ASSERT_EQ(state.history.size(), 3U);
  EXPECT_EQ(state.history.back().loss_held_out, trainer.history().back().loss_held_out);
  EXPECT_EQ(live.answers().loss, trainer.history().back().loss_held_out);
  EXPECT_EQ(live.answers().accuracy, trainer.history().back().accuracy_held_out);
}

TEST(LiveTraining, GoesBackToTheSameBits) {
  LiveTraining live(small({{"optimizer", "adam"}}));
  std::vector<std::vector<float>> weights = {live.weights()};
  const int64_t steps = 3 * live.batches() + 2;
  for (int64_t step = 0; step < steps; ++step) {
    live.advance(1, long_enough);
    weights.push_back(live.weights());
  }
  const LiveState last = live.state();
  for (const int64_t step : {steps - 1, 2 * live.batches(), live.batches() + 1, int64_t{0}}) {
    live.rewind(step);
    EXPECT_EQ(live.state().step, step);
    EXPECT_TRUE(same(live.weights(), weights[static_cast<size_t>(step)])) << step;
  }
  live.advance(steps, long_enough);
  EXPECT_TRUE(same(live.weights(), weights.back()));
  EXPECT_EQ(live.state().losses, last.losses);
  EXPECT_EQ(live.state().history.back().loss_train, last.history.back().loss_train);
  EXPECT_EQ(message_of([&] { live.rewind(steps + 1); }).substr(0, 23), "step: there is no step ");
}

// Of a long training not every epoch is kept, and where it was is found all the same.
TEST(LiveTraining, GoesBackFarWithLittleMemory) {
  LiveTraining live(small({{"network", "dense 512, sigmoid"}, {"batch-size", "32"}}));
  const std::vector<float> first = live.weights();
  live.advance_epochs(5, long_enough);
  const std::vector<float> then = live.weights();
  const int64_t step = live.state().step;
  live.advance_epochs(60, long_enough);
  live.rewind(step);
  EXPECT_TRUE(same(live.weights(), then));
  live.rewind(0);
  EXPECT_TRUE(same(live.weights(), first));
}

TEST(LiveTraining, AChangeByHandIsKeptUntilBeforeIt) {
  LiveTraining live(small({{"batch-size", "4"}}));
  ASSERT_GT(live.batches(), 4);
  live.advance(2, long_enough);
  const std::vector<float> before = live.weights();
  live.set_weight("1.weight", 400, 1);
  live.set_weight("1.weight", 400, 2);
  live.set_weight("3.bias", 0, -1);
  EXPECT_TRUE(live.state().is_edited);
  std::vector<float> edited = live.weights();
  EXPECT_EQ(edited[400], 2);
  EXPECT_EQ(edited.back(), -1);
  edited[400] = before[400];
  edited.back() = before.back();
  EXPECT_TRUE(same(edited, before));
  for (const int64_t more : {int64_t{1}, live.batches()}) {
    live.advance(more, long_enough);
    const int64_t step = live.state().step;
    const std::vector<float> then = live.weights();
    live.advance(3, long_enough);
    live.rewind(step);  // first from a state before the change, which is made again
    EXPECT_TRUE(same(live.weights(), then));
    EXPECT_TRUE(live.state().is_edited);
  }
  live.rewind(2);
  EXPECT_TRUE(same(live.weights(), before));
  EXPECT_FALSE(live.state().is_edited);
  for (const auto& [name, index] : {std::pair{"9.weight", 0}, {"1.weight", -1}, {"1.weight", 12 * 784}})
    EXPECT_THROW(live.set_weight(name, index, 0), Error) << name;
  EXPECT_THROW(live.set_weight("1.weight", 0, NAN), Error);
  EXPECT_FALSE(live.state().is_edited);
}

TEST(LiveTraining, ABatchMovesTheWeightsByTheMeanGradientOfItsImages) {
  LiveTraining live(small());
  live.advance_epochs(1, long_enough);  // the next one has an order of its own
  const std::vector<float> before = live.weights(), gradient = live.gradients({});
  std::vector<double> mean(gradient.size());
  const std::vector<Row> rows = live.next_batch();
  ASSERT_EQ(rows.size(), 8U);
  for (const Row row : rows) {
    const std::vector<float> of_image = live.gradients(row);
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += of_image[i] / static_cast<double>(rows.size());
  }
  live.advance(1, long_enough);
  const std::vector<float> after = live.weights();
  for (size_t i = 0; i < mean.size(); ++i) {
    ASSERT_NEAR(gradient[i], mean[i], 1e-6) << i;
    ASSERT_NEAR(after[i], before[i] - 0.1F * gradient[i], 1e-6) << i;
  }
}

TEST(LiveTraining, ADerivativeAndTwoLossesAgreeWithinTheError) {
  for (const char* network : {"dense 12, sigmoid", "dense 12, relu", "conv 3 3x3, sigmoid, dense 6, tanh"}) {
    LiveTraining live(small({{"network", network}}));
    live.advance_epochs(1, long_enough);
    for (const Row row : live.next_batch()) {
      for (const auto& [name, index] : {std::pair{"1.bias", 4},
                                        {"1.bias", 7},
                                        {"3.weight", 4},
                                        {"1.weight", 1300},
                                        {"0.weight", 4},
                                        {"0.weight", 13},
                                        {"0.bias", 1},
                                        {"3.weight", 900}}) {
        LiveSlope slope;
        try {
          slope = live.slope(row, name, index);
        } catch (const Error&) {
          continue;  // no such layer here
        }
        EXPECT_LE(std::abs(slope.difference - slope.derivative), slope.error) << network << " " << name;
        EXPECT_LT(slope.error, 0.2) << network << " " << name;
        EXPECT_EQ(slope.loss, live.example(row).loss);
      }
    }
  }
}

TEST(LiveTraining, ALossThatIsNoNumberEndsItUntilItIsRewound) {
  LiveTraining live(small({{"network", "dense 12, relu, dense 12, relu"}, {"learning-rate", "1e9"}}));
  live.advance_epochs(50, long_enough);
  const LiveState state = live.state();
  ASSERT_NE(state.problem, "");
  EXPECT_NE(state.why.find("1e+09"), std::string::npos) << state.why;
  live.advance(3, long_enough);
  EXPECT_EQ(live.state().step, state.step);
  EXPECT_THROW(live.set_weight("1.weight", 0, 1), Error);
  live.rewind(1);
  EXPECT_EQ(live.state().problem, "");
  EXPECT_EQ(live.state().step, 1);
}

TEST(LiveTraining, EndsAnswersInTime) {
  LiveTraining live(small());
  live.advance(1'000'000'000, 0);
  EXPECT_EQ(live.state().step, 1);
  live.advance_epochs(1'000'000, 0);
  EXPECT_EQ(live.state().step, 2);
}

TEST(LiveOptions, HideNothingAndReadNothingElse) {
  const auto message = [](Given given) { return message_of([&] { live_options(std::move(given), {}); }); };
  EXPECT_NE(message({{"data", "synth:100"}, {"augment", "shift 2"}}).find("--augment"), std::string::npos);
  EXPECT_NE(message({{"data", "synth:100"}, {"groups", "/etc/passwd"}}).find("--groups"), std::string::npos);
  EXPECT_NE(message({{"data", "/etc"}}).find("--data"), std::string::npos);
  EXPECT_NE(message({}).find("--data"), std::string::npos);
  EXPECT_NE(message({{"data", "synth:100"}, {"recipe", "/etc/passwd"}}).find("--recipe"), std::string::npos);
  EXPECT_NE(message({{"data", "synth:20001"}}).find("20,000"), std::string::npos);
  EXPECT_NE(message({{"data", "synth:9000"}, {"size", "2000"}}).find("20,000"), std::string::npos);
  EXPECT_NE(message({{"data", "signs"}}).find("--data"), std::string::npos);
  EXPECT_THROW(LiveTraining(small({{"network", "dense 12, relu, dropout 0.5"}})), Error);
  EXPECT_THROW(LiveTraining(small({{"network", "dense 12, relu, heads(classes 2)"}})), Error);
  EXPECT_THROW(LiveTraining(small({{"network", "dense 8000, relu"}})), Error);
  EXPECT_THROW(LiveTraining(small({{"split", "kfold:3"}})), Error);
}

TEST(LiveOptions, AreACommandThatGivesTheSame) {
  EXPECT_EQ(command_of(live_options({{"data", "synth:300"}, {"recipe", "report"}, {"seed", "3"}}, {})),
            "mudra train synth:300 --recipe report --seed 3");
  EXPECT_EQ(command_of(live_options({{"data", "synth:300"}, {"classes", "a b,it's"}, {"split", "0.8"}}, {})),
            "mudra train synth:300 --classes 'a b,it'\\''s' --split 0.8");
}

}  // namespace
}  // namespace mudra
