// What training promises beside the numbers: the same bits, the right epoch kept, nothing lost.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mudra/core/denormals.h"
#include "mudra/core/error.h"
#include "mudra/experiment/options.h"
#include "mudra/network/model.h"
#include "mudra/network/plan.h"
#include "mudra/training/class_weights.h"
#include "mudra/training/state.h"
#include "mudra/training/trainer.h"
#include "tests/message.h"

namespace mudra {
namespace {

// Noise that a little of the class shines through: enough to learn, enough to learn by heart.
struct Example {
  Dataset data;
  Fold fold;
  Options options;

  explicit Example(int classes = 3) {
    Rng rng(5, Purpose::test);
    std::vector<uint8_t> bytes;
    for (int i = 0; i < 120; ++i) {
      data.labels.push_back(i % classes);
      for (int p = 0; p < 90; ++p) {
        const bool shine = p % classes == i % classes && rng.chance(0.3);
        bytes.push_back(static_cast<uint8_t>(rng.below(shine ? 256 : 180)));
      }
      (i % 5 == 0 ? fold.test : i % 5 == 1 ? fold.validation : fold.train).push_back(i);
    }
    data.pixels = Pixels({120, 9, 10, 1}, std::move(bytes));
    for (int c = 0; c < classes; ++c) data.classes.push_back(std::to_string(c));
    options.network = "dense 200, relu";
    options.training.batch_size = 16;
    options.training.epochs = 4;
  }

  Network network() const {
    Network made = Network::parse(options.network, {1, 9, 10, 1}, outputs_for(classes()));
    made.initialize(Initialization::he, 1);
    return made;
  }
  int64_t classes() const { return static_cast<int64_t>(data.classes.size()); }
  Trainer trainer(ThreadTeam& team, bool fuse = true) const {
    return {network(), data, fold, options.training, options.seed, team, fuse};
  }
  // What a whole training came to.
  struct Outcome {
    Ending ending;
    Network network;  // kept
    int kept_epoch;
    std::vector<Epoch> history;
    std::string problem;
  };
  Outcome run(int threads = 1, bool fuse = true) const {
    ThreadTeam team(threads);
    Trainer made = trainer(team, fuse);
    const Ending ending = made.run();
    return {ending, made.kept(), made.kept_epoch(), made.history(), made.problem()};
  }
  std::string bytes(const Network& of) const { return model_bytes({of, data.classes, {}}); }
};

TEST(Training, HasTheSameBitsForAnyThreadsFusedOrPlain) {
  const std::map<std::string, std::string> cases[] = {
      {{"optimizer", "sgd"}},
      {{"optimizer", "sgd"}, {"ema", "0.9"}},
      {{"optimizer", "sgd"}, {"schedule", "cosine"}, {"warm-up", "1"}},
      {{"optimizer", "sgd"}, {"clip", "0.1"}, {"ema", "0.9"}},
      {{"optimizer", "momentum"}, {"clip", "0.1"}, {"ema", "0.9"}},
      {{"optimizer", "nesterov"}, {"clip", "0.1"}, {"ema", "0.9"}},
      {{"optimizer", "adam"}, {"clip", "0.1"}, {"ema", "0.9"}, {"class-weights", "1,2,3"}},
      {{"optimizer", "adamw"}, {"clip", "0.1"}, {"ema", "0.9"}, {"weight-decay", "0.1"}},
      {{"optimizer", "adam"},
       {"clip", "0.1"},
       {"network", "conv 5 3x3, relu, pool 2, dropout 0.2, dense 300, tanh"}},
      {{"optimizer", "adam"},
       {"ema", "0.9"},
       {"network", "conv 5 3x3, batch-norm, relu, pool 2, dense 30, batch-norm, relu"}},
  };
  for (const auto& given : cases) {
    Example example;
    for (const auto& [name, value] : given) set_option(example.options, name, value);
    SCOPED_TRACE(to_toml(example.options));
    const std::string one = example.bytes(example.run(1).network);
    for (const int threads : {2, 3, 4, 8}) {
      EXPECT_TRUE(example.bytes(example.run(threads).network) == one) << threads << " threads";
    }
    EXPECT_TRUE(example.bytes(example.run(1, false).network) == one) << "plain";
    EXPECT_TRUE(example.bytes(example.run(3, false).network) == one) << "plain, 3 threads";
  }
}

TEST(Training, AScheduleOrClippingThatNeverBindsChangesNoBit) {
  Example example;
  example.options.training.optimizer = OptimizerKind::sgd;
  const std::string plain = example.bytes(example.run().network);
  example.options.training.clip = 1e6;
  EXPECT_TRUE(example.bytes(example.run().network) == plain);
  example.options.training.clip = 0.01;
  EXPECT_FALSE(example.bytes(example.run().network) == plain);
}

TEST(Training, KeepsTheEpochOfLowestValidationLoss) {
  Example example;
  example.options.training.epochs = 30;
  example.options.training.learning_rate = 0.01;
  std::vector<Network> after;
  ThreadTeam team(1);
  Trainer trainer = example.trainer(team);
  TrainingEvents events;
  events.epoch = [&](const Trainer& now, const Epoch&) { after.push_back(now.network()); };
  EXPECT_EQ(trainer.run(events), Ending::finished);
  const Example::Outcome training{
      Ending::finished, trainer.kept(), trainer.kept_epoch(), trainer.history(), {}};
  ASSERT_EQ(training.history.size(), 30U);
  int best = 1;
  for (const Epoch& epoch : training.history) {
    if (epoch.loss_validation < training.history[static_cast<size_t>(best - 1)].loss_validation)
      best = epoch.number;
  }
  ASSERT_LT(best, 30) << "the example should learn by heart";
  EXPECT_EQ(training.kept_epoch, best);
  EXPECT_TRUE(example.bytes(training.network) == example.bytes(after[static_cast<size_t>(best - 1)]));
  EXPECT_EQ(training.ending, Ending::finished);

  example.options.training.patience = 3;
  const Example::Outcome early = example.run();
  EXPECT_EQ(early.ending, Ending::patience);
  EXPECT_EQ(early.history.size(), static_cast<size_t>(early.kept_epoch + 3));
  if (early.kept_epoch == best) {
    EXPECT_TRUE(example.bytes(early.network) == example.bytes(training.network));
  }
}

// The running statistics of averaged weights are the means over the epoch's batches.
TEST(Training, AveragedWeightsGetStatisticsOfTheirOwn) {
  Example example;
  example.options.network = "batch-norm, dense 6, relu";
  example.options.training.ema = 0.9;
  example.options.training.shuffle = false;
  example.fold.validation.clear();
  example.fold.train.resize(64);  // four batches of 16: the mean of their means is that of all
  const Example::Outcome training = example.run();
  double sum = 0;
  std::vector<float> image(90);
  for (const int64_t row : example.fold.train) {
    example.data.pixels.read(row, image.data());
    for (const float value : image) sum += static_cast<double>(value);
  }
  for (const auto& named : training.network.parameters()) {
    if (named.name == "0.running_mean") {
      EXPECT_NEAR((*named.parameter.tensor)[0], sum / 64 / 90, 1e-6);
    }
  }
  const Scalar mean = training.network.parameters()[2].parameter.tensor->values()[0];
  example.options.training.ema = 0;  // the plain running mean has not forgotten that it began at 0
  const Example::Outcome plain = example.run();
  EXPECT_GT(std::fabs(plain.network.parameters()[2].parameter.tensor->values()[0] - mean), 1e-3);
}

TEST(Training, TheTestPartChoosesNothing) {
  Example example;
  example.options.training.epochs = 20;
  example.options.training.patience = 2;
  const Example::Outcome first = example.run();
  example.fold.test.resize(3);
  const Example::Outcome second = example.run();
  EXPECT_TRUE(example.bytes(second.network) == example.bytes(first.network));
  EXPECT_EQ(second.history.size(), first.history.size());
  example.fold.test.clear();
  EXPECT_TRUE(std::isnan(example.run().history[0].loss_held_out)) << "no number where nothing was measured";
}

TEST(Training, WithoutValidationTheLastEpochIsKept) {
  Example example;
  example.fold.validation.clear();
  const Example::Outcome training = example.run();
  EXPECT_EQ(training.kept_epoch, example.options.training.epochs);
  EXPECT_TRUE(std::isnan(training.history[0].loss_validation));
}

TEST(Training, StopsAtANaNAndKeepsTheLastGoodEpoch) {
  for (const bool fuse : {true, false}) {
    for (const OptimizerKind optimizer : {OptimizerKind::sgd, OptimizerKind::adam}) {
      Example example;
      example.fold.validation.clear();
      example.options.training.optimizer = optimizer;
      example.options.training.epochs = 2;
      const std::string good = example.bytes(example.run(1, fuse).network);
      example.options.training.epochs = 9;
      ThreadTeam team(1);
      Trainer trainer = example.trainer(team, fuse);
      trainer.run(2);
      while (trainer.steps() < 2 * 5 + 2) trainer.step();
      Network spoilt = trainer.network();
      spoilt.parameters().back().parameter.tensor->values()[0] = std::numeric_limits<Scalar>::quiet_NaN();
      trainer.set_weights(spoilt);
      EXPECT_EQ(trainer.run(), Ending::diverged);
      EXPECT_FALSE(trainer.step());
      EXPECT_FALSE(trainer.finish_epoch());
      EXPECT_EQ(trainer.problem(), "the loss is no longer a number in step 3 of epoch 3");
      EXPECT_EQ(trainer.kept_epoch(), 2);
      EXPECT_EQ(trainer.history().size(), 2U);
      EXPECT_TRUE(example.bytes(trainer.kept()) == good);
    }
  }
}

TEST(Training, NoticesAWeightThatIsNoNumberAfterAnEpoch) {
  Example example;
  ThreadTeam team(1);
  Trainer trainer = example.trainer(team);
  trainer.run(1);
  while (!trainer.is_epoch_over()) trainer.step();
  Network spoilt = trainer.network();
  spoilt.parameters()[0].parameter.tensor->values()[3] = std::numeric_limits<Scalar>::infinity();
  trainer.set_weights(spoilt);
  EXPECT_EQ(trainer.run(), Ending::diverged);
  EXPECT_EQ(trainer.kept_epoch(), 1);
  const Network& kept = trainer.kept();
  for (const auto& named : kept.parameters()) {
    for (const Scalar value : named.parameter.tensor->values()) ASSERT_TRUE(std::isfinite(value));
  }
}

TEST(Training, FailsWhenNoEpochIsGood) {
  Example example;
  example.options.training.optimizer = OptimizerKind::sgd;
  example.options.training.learning_rate = 1e30;
  try {
    example.run();
    FAIL() << "a rate of 1e30 was fine";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(" of epoch 1"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("--learning-rate"), std::string::npos) << error.what();
  }
}

TEST(Training, GoesOnFromAnyStateToTheSameBits) {
  for (const OptimizerKind optimizer : {OptimizerKind::sgd, OptimizerKind::momentum, OptimizerKind::adam}) {
    Example example;
    example.options.training.optimizer = optimizer;
    example.options.training.ema = 0.9;
    example.options.network = "dense 30, batch-norm, relu, dropout 0.3, dense 20, tanh";
    example.options.training.schedule = ScheduleKind::cosine;
    const Example::Outcome whole = example.run();
    for (const int64_t stop_after : {1, 5, 7, 10, 19}) {
      ThreadTeam one(1), two(2);
      Trainer first = example.trainer(one);
      std::stop_source stop;
      TrainingEvents events;
      events.step = [&](const Trainer& now) {
        if (now.steps() == stop_after) stop.request_stop();
      };
      EXPECT_EQ(first.run(events, stop.get_token()), Ending::stopped);
      Trainer copied(first, two), restored = example.trainer(two);
      restored.restore(first.state(), "state");
      for (Trainer* rest : {&copied, &restored, &first}) {
        EXPECT_EQ(rest->run(), Ending::finished);
        EXPECT_TRUE(example.bytes(rest->kept()) == example.bytes(whole.network)) << stop_after;
        ASSERT_EQ(rest->history().size(), whole.history.size());
        for (size_t e = 0; e < whole.history.size(); ++e) {
          EXPECT_EQ(rest->history()[e].loss_train, whole.history[e].loss_train);
          EXPECT_EQ(rest->history()[e].loss_validation, whole.history[e].loss_validation);
        }
        EXPECT_EQ(rest->kept_epoch(), whole.kept_epoch);
      }
    }
  }
}

// The schedule's horizon is not the stop: a training looked at half-way goes on to the same bits, and one
// that goes on beyond its horizon begins with the same epochs.
TEST(Training, MayPauseAnywhereAndGoOnBeyondItsHorizon) {
  Example example;
  example.options.training.schedule = ScheduleKind::cosine;
  const Example::Outcome whole = example.run();
  ThreadTeam team(1);
  Trainer trainer = example.trainer(team);
  EXPECT_EQ(trainer.run(2), Ending::finished);
  EXPECT_EQ(trainer.history().size(), 2U);
  EXPECT_TRUE(std::isfinite(trainer.history()[1].loss_validation));
  EXPECT_EQ(trainer.run(), Ending::finished);
  EXPECT_TRUE(example.bytes(trainer.kept()) == example.bytes(whole.network));
  EXPECT_EQ(trainer.run(6), Ending::finished);
  EXPECT_EQ(trainer.history().size(), 6U);
  EXPECT_EQ(trainer.history()[5].rate, trainer.history()[3].rate) << "the last step's rate goes on";
}

TEST(Training, LeavesFrozenLayersAsTheyBegan) {
  for (const OptimizerKind optimizer : {OptimizerKind::sgd, OptimizerKind::adamw}) {
    Example example;
    example.options.network = "conv 4 3x3, batch-norm, relu, flatten, dense 20, relu";
    example.options.training.optimizer = optimizer;
    example.options.training.weight_decay = optimizer == OptimizerKind::sgd ? 0 : 0.1;
    example.options.training.freeze = 5;  // up to the first dense layer and with it
    const Network before = example.network();
    const Example::Outcome training = example.run();
    const auto first = before.parameters(), after = training.network.parameters();
    for (size_t p = 0; p < first.size(); ++p) {
      const bool is_frozen = std::stoi(first[p].name) < 5;
      EXPECT_EQ(std::ranges::equal(first[p].parameter.tensor->values(), after[p].parameter.tensor->values()),
                is_frozen)
          << first[p].name;
    }
  }
}

TEST(Training, GivesNoWeightsBeforeAnEpochIsWhole) {
  Example example;
  ThreadTeam team(1);
  Trainer trainer = example.trainer(team);
  trainer.step();
  EXPECT_THROW(trainer.kept(), Error);
  EXPECT_EQ(trainer.kept_epoch(), 0);
  Example other;
  other.options.network = "dense 7";
  EXPECT_THROW(trainer.set_weights(other.network()), Error);
}

TEST(Training, ExampleWeightsCountLikeCopies) {
  // An image of weight 2 in a batch of 4 is the image taken twice: the sums are the same, divided by 4 and 5.
  Example once;
  once.fold = {{2, 3, 4, 7}, {}, ""};
  once.options.training.optimizer = OptimizerKind::sgd;
  once.options.training.epochs = 1;
  once.options.training.shuffle = false;
  once.options.training.learning_rate = 0.4;
  Example twice = once;
  twice.fold.train = {2, 3, 4, 7, 3};
  twice.options.training.learning_rate = 0.5;
  once.data.example_weights.assign(120, 1.0F);
  once.data.example_weights[3] = 2;
  const Example::Outcome a = once.run(), b = twice.run();
  EXPECT_NEAR(a.history[0].loss_train * 4, b.history[0].loss_train * 5, 1e-5);
  const auto left = a.network.parameters(), right = b.network.parameters();
  for (size_t p = 0; p < left.size(); ++p) {
    for (int64_t i = 0; i < left[p].parameter.tensor->size(); ++i)
      ASSERT_NEAR((*left[p].parameter.tensor)[i], (*right[p].parameter.tensor)[i], 1e-6);
  }
}

TEST(Threads, AreFewForASmallNetwork) {
  const Network report = Network::parse("dense 128, sigmoid", {1, 28, 28, 1}, 1);
  const Network larger = Network::parse(
      "conv 16 3x3, relu, pool 2, conv 32 3x3, relu, pool 2, dense 128, relu", {1, 28, 28, 1}, 10);
  for (const int available : {1, 2, 3, 8, 64}) {
    EXPECT_EQ(worthwhile_threads(report, 32, available), 1);
    EXPECT_EQ(worthwhile_threads(larger, 1, available), 1);
    EXPECT_EQ(worthwhile_threads(larger, 1 << 16, available), available);
    EXPECT_EQ(worthwhile_threads(99'999'999, available), 1);
    EXPECT_EQ(worthwhile_threads(100'000'000, available), std::min(2, available));
    int before = 1;
    for (int64_t batch = 1; batch < 5000; batch *= 3) {
      const int now = worthwhile_threads(larger, batch, available);
      EXPECT_GE(now, before);
      EXPECT_LE(now, available);
      before = now;
    }
  }
}

// A denormal weight times a denormal-making pixel: nothing of it may reach the logits, in training or
// inference.
TEST(Training, FlushesDenormalsAndRestoresTheMode) {
  Example example;
  const uint64_t before = floating_point_mode();
  std::vector<uint64_t> inside;
  TrainingEvents events;
  events.step = [&](const Trainer&) { inside.push_back(floating_point_mode()); };
  Network tiny = Network::parse("dense 1", {1, 1, 1, 1}, 1);
  for (const Network::Named& named : tiny.parameters())
    named.parameter.tensor->values()[0] = static_cast<Scalar>(1e-40);
  Tensor x({1, 1, 1, 1});
  x.fill(static_cast<Scalar>(0.5));
  ThreadTeam team(1);
  Plan plan(tiny, 1, Mode::infer);
  EXPECT_EQ(plan.infer(tiny, x, Context{team})[0], 0);
  ThreadTeam two(2);
  example.trainer(two).run(events);
  ASSERT_FALSE(inside.empty());
  for (const uint64_t mode : inside) EXPECT_EQ(mode, before) << "events run in the caller's mode";
  EXPECT_EQ(floating_point_mode(), before);
}

TEST(Checkpoint, OfAnotherNetworkOrWithImpossibleCountersIsRefused) {
  Example example;
  ThreadTeam team(1);
  Safetensors content;
  example.trainer(team).put_state(content);
  const auto restore = [&](const Example& to) { to.trainer(team).restore(content, "c"); };
  EXPECT_NO_THROW(restore(example));
  Example other;
  other.options.network = "dense 7";
  EXPECT_THROW(restore(other), Error);
  other = example;
  other.options.training.ema = 0.5;
  EXPECT_THROW(restore(other), Error);
  const std::string good = content.metadata["training"];
  for (const auto& [from, to] : {std::pair("\"epoch\":1", "\"epoch\":2"),
                                 {"\"batch\":0", "\"batch\":-1"},
                                 {"\"batch\":0", "\"batch\":6"},
                                 {"\"batch\":0", "\"batch\":1"},  // after no step
                                 {"\"batch\":0", "\"batch\":0.5"},
                                 {"\"epoch\":1", "\"epoch\":4294967297"},  // 1 in 32 bits
                                 {"\"epoch\":1", "\"epoch\":1e300"},
                                 {"\"right\":0", "\"right\":1"},
                                 {"\"right\":0", "\"right\":-1"},
                                 {"\"kept_epoch\":0", "\"kept_epoch\":1"},
                                 {"\"kept_epoch\":0", "\"kept_epoch\":-1"},
                                 {"\"kept_epoch\":0", "\"kept_epoch\":-4294967296"},
                                 {"\"steps\":0", "\"steps\":\"\""},
                                 {"\"steps\":0", "\"steps\":-1"},
                                 {"\"steps\":0", "\"steps\":1e15"},  // would be counted one by one
                                 {"\"history\":[]", "\"history\":[[]]"}}) {
    std::string bad = good;
    ASSERT_NE(bad.find(from), std::string::npos) << from;
    bad.replace(bad.find(from), std::string(from).size(), to);
    content.metadata["training"] = bad;
    EXPECT_THROW(restore(example), Error) << to;
  }
  content.metadata.clear();
  EXPECT_THROW(restore(example), Error);
}

TEST(Training, WhoseValidationLossIsNeverANumberSaysSo) {
  Example example;
  std::vector<float> values(size_t{120} * 90);
  for (Row i = 0; i < 120; ++i) example.data.pixels.read(i, &values[size_t{i} * 90]);
  for (const Row row : example.fold.validation) values[size_t{row} * 90] = NAN;
  example.data.pixels = Pixels({120, 9, 10, 1}, std::move(values), 1);
  ThreadTeam team(1);
  Trainer trainer = example.trainer(team);
  EXPECT_EQ(trainer.run(), Ending::finished);
  EXPECT_EQ(trainer.kept_epoch(), 0);
  const std::string message = message_of([&] { trainer.kept(); });
  EXPECT_NE(message.find("validation loss was never a number"), std::string::npos) << message;
  EXPECT_NE(message.find("--learning-rate"), std::string::npos) << message;
}

TEST(ClassWeights, AreOneOnAverage) {
  Example example;
  std::vector<Row> rows;
  for (Row i = 0; i < 60; ++i) {
    if (i % 3 != 1 || i % 2 == 0) rows.push_back(i);
  }
  EXPECT_TRUE(class_weights({}, example.data, rows).empty());
  for (const char* text : {"balanced", "1,5,0.1"}) {
    const auto weights = class_weights(ClassWeights::parse(text), example.data, rows);
    double sum = 0;
    for (const int64_t row : rows)
      sum += static_cast<double>(weights[static_cast<size_t>(example.data.labels[static_cast<size_t>(row)])]);
    EXPECT_NEAR(sum / static_cast<double>(rows.size()), 1, 1e-6) << text;
  }
  for (const char* bad :
       {"1", "1,2", "1,2,3,4", "1,2,0", "1,2,-1", "1,2,x", "1,2,", "1,2,3,", "equal", ",,", "1,2,nan"})
    EXPECT_THROW(class_weights(ClassWeights::parse(bad), example.data, rows), Error) << bad;
}

}  // namespace
}  // namespace mudra
