// What a training is warned of: each trouble made to happen, and none where there is none.
#include "mudra/training/watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mudra/experiment/experiment.h"
#include "mudra/synth/render_hands.h"
#include "mudra/training/trainer.h"

namespace mudra {
namespace {

using enum TrainingTrouble;

// Four classes told apart by where it is bright, with so many images of each.
struct Watched {
  Dataset data;
  Fold fold;
  TrainingOptions options;
  std::string network = "dense 16, relu";

  explicit Watched(std::vector<int> images = {40, 40, 40, 40}) {
    Rng rng(5, Purpose::test);
    std::vector<uint8_t> bytes;
    const int most = *std::ranges::max_element(images);
    for (int i = 0; i < most; ++i) {
      for (int c = 0; c < 4; ++c) {
        if (i >= images[static_cast<size_t>(c)]) continue;
        data.labels.push_back(c);
        for (int p = 0; p < 30; ++p) bytes.push_back(static_cast<uint8_t>(rng.below(p % 4 == c ? 256 : 90)));
      }
    }
    const auto count = static_cast<int64_t>(data.labels.size());
    data.pixels = Pixels({count, 5, 6, 1}, std::move(bytes));
    for (int c = 0; c < 4; ++c) data.classes.push_back(std::to_string(c));
    for (int64_t i = 0; i < count; ++i) fold.train.push_back(static_cast<Row>(i));
    options.batch_size = 16;
    options.epochs = 12;
    options.learning_rate = 0.01;
  }

  void hold_back_for_validation(int images) {
    fold.validation.assign(fold.train.end() - images, fold.train.end());
    fold.train.resize(fold.train.size() - static_cast<size_t>(images));
  }
  Trainer trainer(ThreadTeam& team) const {
    Network made = Network::parse(network, {1, 5, 6, 1}, outputs_for(4));
    made.initialize(Initialization::he, 1);
    return {made, data, fold, options, 1, team};
  }
  // What is said, in its order, and that the trainer remembers just that.
  std::vector<TrainingTrouble> run() const {
    ThreadTeam team(1);
    Trainer made = trainer(team);
    std::vector<TrainingTrouble> said;
    TrainingEvents events;
    events.warning = [&](const Trainer& now, const TrainingWarning& warning) {
      EXPECT_EQ(warning.epoch, now.epoch() - (now.problem().empty() ? 1 : 0));
      said.push_back(warning.trouble);
    };
    made.run(events);
    return said;
  }
};

using Troubles = std::vector<TrainingTrouble>;

TEST(Watch, SaysNothingOfATrainingThatGoesWell) {
  EXPECT_EQ(Watched().run(), Troubles());
  Watched validated;
  validated.hold_back_for_validation(80);
  EXPECT_EQ(validated.run(), Troubles());
  EXPECT_EQ(Watched({80, 20, 20, 20}).run(), Troubles());
}

TEST(Watch, SeesAStepThatDoesNothing) {
  Watched example;
  example.options.optimizer = OptimizerKind::sgd;
  example.options.learning_rate = 1e-7;
  EXPECT_EQ(example.run(), Troubles{does_nothing});
}

TEST(Watch, SeesACollapseToOneClass) {
  Watched example;
  example.options.class_weights = ClassWeights::parse("1,1,1,100000");  // only the last class counts
  EXPECT_EQ(example.run(), Troubles{collapse});  // which explains that it is no better than always one answer
}

TEST(Watch, SeesALossThatRises) {
  Watched example;
  example.network = "dense 64, dense 64";
  example.options.optimizer = OptimizerKind::momentum;
  example.options.learning_rate = 0.6;
  example.options.epochs = 30;
  const Troubles said = example.run();
  EXPECT_NE(std::ranges::find(said, divergence), said.end());
}

TEST(Watch, SaysThatALossIsNoNumber) {
  Watched example;
  example.options.optimizer = OptimizerKind::sgd;
  example.options.learning_rate = 1e30;
  EXPECT_EQ(example.run(), Troubles{divergence});
}

TEST(Watch, SeesThatNothingIsLearned) {
  Watched example({160, 80, 80, 80});
  Rng rng(9, Purpose::test);
  rng.shuffle(std::span(example.data.labels));  // labels of other images
  example.network = "dense 2, relu";
  example.options.learning_rate = 0.002;
  EXPECT_NE(example.run(), Troubles());
}

TEST(Watch, SeesAValidationPartTooSmallToTell) {
  Watched example;
  example.hold_back_for_validation(8);
  EXPECT_EQ(example.run(), Troubles{validation});
}

TEST(Watch, SaysTheSameAfterAnyStop) {
  Watched example;
  example.options.optimizer = OptimizerKind::sgd;
  example.options.learning_rate = 1e-7;
  ThreadTeam team(1);
  Trainer whole = example.trainer(team);
  whole.run();
  ASSERT_EQ(whole.warnings().size(), 1U);
  for (const int64_t steps : {3, 15, 25, 30, 47}) {
    Trainer first = example.trainer(team);
    std::stop_source stop;
    TrainingEvents events;
    int said = 0;
    events.step = [&](const Trainer& now) {
      if (now.steps() == steps) stop.request_stop();
    };
    events.warning = [&](const Trainer&, const TrainingWarning&) { ++said; };
    first.run(events, stop.get_token());
    Trainer second = example.trainer(team);
    second.restore(first.state(), "state");
    events.step = {};
    second.run(events);
    EXPECT_EQ(said, 1) << steps;  // by one of the two
    ASSERT_EQ(second.warnings().size(), 1U);
    EXPECT_EQ(second.warnings()[0].text, whole.warnings()[0].text);
    EXPECT_EQ(second.warnings()[0].epoch, whole.warnings()[0].epoch);
    EXPECT_EQ(second.history().back().same_answer, whole.history().back().same_answer);
    EXPECT_EQ(second.history().back().noise_train, whole.history().back().noise_train);
  }
}

// The definitions on histories made up.
TEST(Watch, HoldsToItsDefinitions) {
  const TrainingFacts facts{
      .classes = 4, .images = 400, .validation = 50, .most_frequent = 0.25, .epochs = 10};
  const auto epoch = [](int number, double loss, double accuracy, double noise, double same) {
    Epoch made;
    made.number = number;
    made.loss_train = loss, made.accuracy_train = accuracy;
    made.noise_train = noise, made.same_answer = same;
    made.accuracy_validation = accuracy;
    return made;
  };
  const auto said = [&](const std::vector<Epoch>& history, const TrainingFacts& of) {
    Troubles troubles;
    for (const TrainingWarning& warning : watch(history, of)) troubles.push_back(warning.trouble);
    return troubles;
  };
  TrainingFacts none = facts;
  none.validation = 0;
  const double log4 = std::log(4.0);
  EXPECT_EQ(said({epoch(1, log4, 0.25, 0.01, 0.99), epoch(2, 1.2, 0.25, 0.01, 0.98)}, none), Troubles());
  EXPECT_EQ(said({epoch(1, log4, 0.25, 0.01, 0.99), epoch(2, 1.2, 0.25, 0.01, 0.99)}, none),
            Troubles{collapse});
  EXPECT_EQ(said({epoch(1, 1, 0.5, 0.01, 0.3), epoch(2, 1.5 * log4 - 0.01, 0.5, 0.01, 0.3)}, none),
            Troubles());
  EXPECT_EQ(said({epoch(1, 1, 0.5, 0.01, 0.3), epoch(2, 1.5 * log4 + 0.01, 0.5, 0.01, 0.3)}, none),
            Troubles{divergence});
  const auto falling = [&](double by, double accuracy) {
    return std::vector{epoch(1, log4, accuracy, 0.02, 0.5), epoch(2, log4, accuracy, 0.02, 0.5),
                       epoch(3, log4 - by, accuracy, 0.02, 0.5)};
  };
  EXPECT_EQ(said(falling(0.059, 0.5), none), Troubles{does_nothing});
  EXPECT_EQ(said(falling(0.061, 0.5), none), Troubles());
  EXPECT_EQ(said(falling(0.061, 0.29), none), Troubles{baseline});  // 0.25 + 2 * 0.02165 = 0.293
  EXPECT_EQ(said(falling(0.061, 0.30), none), Troubles());
  std::vector<Epoch> whole;  // 47 of 50 in the second half: 84% to 98%
  for (int e = 1; e <= 10; ++e) whole.push_back(epoch(e, 1.0 / e, e < 5 ? 0.5 : 0.94, 0.01, 0.3));
  EXPECT_EQ(said(whole, facts), Troubles{validation});
  TrainingFacts more = facts;
  more.validation = 500;
  EXPECT_EQ(said(whole, more), Troubles());
}

}  // namespace
}  // namespace mudra
