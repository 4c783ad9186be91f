// A training with nothing held out is the training of an experiment.
#include "mudra/experiment/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"
#include "mudra/inference/predictor.h"

namespace mudra {
namespace {

// So many images 6x7 of three classes, noise with a little of the class in it.
Dataset faint_classes(int images) {
  Rng rng(3, Purpose::test);
  Dataset data;
  std::vector<uint8_t> bytes;
  for (int i = 0; i < images; ++i) {
    data.labels.push_back(i % 3);
    for (int p = 0; p < 42; ++p) bytes.push_back(static_cast<uint8_t>(rng.below(p % 3 == i % 3 ? 256 : 150)));
  }
  data.source = "faint classes";
  data.pixels = Pixels({images, 6, 7, 1}, std::move(bytes));
  data.classes = {"a", "b", "c"};
  return data;
}

Options few_epochs() {
  return make_options({},
                      {{"network", "dense 9, relu, dropout 0.2"}, {"epochs", "4"}, {"augment", "shift 1"}});
}

// Rows of three features of very different size.
Dataset unlike_features(int rows) {
  Rng rng(4, Purpose::test);
  Dataset data;
  std::vector<float> values;
  for (int i = 0; i < rows; ++i) {
    data.labels.push_back(i % 2);
    const auto noise = [&] { return static_cast<float>(rng.below(1000)) / 1000; };
    values.insert(values.end(), {5000 + 100 * noise(), 1e-4F * (noise() + static_cast<float>(i % 2)), 7});
  }
  data.source = "unlike features";
  data.pixels = Pixels({rows, 1, 3, 1}, std::move(values), 1);
  data.classes = {"a", "b"};
  return data;
}

TEST(Fit, LearnsTheModelOfAnExperimentWhateverIsWatched) {
  const Dataset all = faint_classes(70);
  std::vector<Row> train(60), test(10);
  std::iota(train.begin(), train.end(), Row{0});
  std::iota(test.begin(), test.end(), Row{60});
  ThreadTeam team(1), two(2);
  const Options options = few_epochs();
  const Experiment experiment = prepare(all, options, Split{"so", {Fold{train, test, ""}}});
  const std::string expected = model_bytes(run_experiment(experiment, team)->model);
  const Experiment alone = prepare_fit({.data = all.select(train), .watched = {}}, options);
  const Experiment watched = prepare_fit({.data = all.select(train), .watched = all.select(test)}, options);
  EXPECT_TRUE(model_bytes(fit(alone, team, {}, 4).model) == expected);
  const Fitted watching = fit(watched, two, {}, 4);
  EXPECT_TRUE(model_bytes(watching.model) == expected);
  EXPECT_TRUE(std::isfinite(watching.history[3].loss_held_out));
}

TEST(Fit, GoesOnFromItsStateToTheSameBitsAndOnOtherData) {
  const Experiment experiment = prepare_fit({.data = faint_classes(60), .watched = {}}, few_epochs());
  ThreadTeam team(1);
  const Fitted whole = fit(experiment, team, {}, 4);
  const Fitted part = fit(experiment, team, {}, 1);
  const Fitted rest = fit(experiment, team, part.state, 3);
  EXPECT_TRUE(model_bytes(rest.model) == model_bytes(whole.model));
  EXPECT_EQ(rest.history.size(), 4U);
  const Experiment other = prepare_fit({.data = faint_classes(25), .watched = {}}, few_epochs());
  EXPECT_EQ(fit(other, team, part.state, 2).history.size(), 3U);
  EXPECT_THROW(fit(experiment, team, "no state", 1), Error);
}

TEST(Fit, StoppedBeforeAnEpochIsWholeHasTheWeightsOfItsLastStep) {
  const Experiment experiment = prepare_fit({.data = faint_classes(300), .watched = {}}, few_epochs());
  ThreadTeam team(1);
  std::stop_source stop;
  TrainingEvents events;
  Network last;
  events.step = [&](const Trainer& now) {
    last = now.network();
    if (now.steps() == 2) stop.request_stop();
  };
  const Fitted fitted = fit(experiment, team, {}, 4, events, stop.get_token());
  EXPECT_EQ(fitted.ending, Ending::stopped);
  EXPECT_EQ(fitted.kept_epoch, 0);
  Model expected = experiment.initial;
  expected.network = last;
  EXPECT_TRUE(model_bytes(fitted.model) == model_bytes(expected));
}

TEST(Fit, FeaturesAreSeenStandardisedByThoseThatTrain) {
  Dataset data = unlike_features(80);
  data.example_weights.assign(80, 1);
  for (size_t i = 40; i < 80; ++i) data.example_weights[i] = 0;
  std::vector<Row> counted(40);
  std::iota(counted.begin(), counted.end(), Row{0});
  const Experiment experiment =
      prepare_fit({.data = data, .watched = {}, .are_features = true}, few_epochs());
  ThreadTeam team(1);
  const Fitted fitted = fit(experiment, team, {}, 5);
  EXPECT_TRUE(reads_features(fitted.model));
  EXPECT_EQ(fitted.model.network.items()[1], "batch-norm");
  // What leaves the first two layers, of the rows that count: mean 0 and variance 1, or 0 where all are
  // alike.
  const auto& layer = std::get<BatchNorm>(fitted.model.network.layers[1]);
  for (int f = 0; f < 3; ++f) {
    double mean = 0, square = 0;
    for (const Row row : counted) {
      float values[3];
      data.pixels.read(row, values);
      const double seen = (static_cast<double>(values[f]) - static_cast<double>(layer.state.mean[f])) /
                          std::sqrt(static_cast<double>(layer.state.variance[f]) + 1e-5) *
                          static_cast<double>(layer.parameters.weight[f]);
      mean += seen / 40, square += seen * seen / 40;
    }
    EXPECT_NEAR(mean, 0, 1e-3) << f;
    EXPECT_NEAR(square, f == 2 ? 0 : 1, 1e-3) << f;
  }
  EXPECT_THROW(Predictor(fitted.model).answer(Image{3, 1, 1, {1, 2, 3}}), Error);
}

TEST(Fit, AValidationPartHoldsWholeGroupsAndCalibrates) {
  Dataset data = faint_classes(120);
  for (int i = 0; i < 120; ++i) data.groups.push_back(i / 3 % 5);
  data.group_names = {"g0", "g1", "g2", "g3", "g4"};
  Options options = few_epochs();
  set_option(options, "validation", "0.4");
  const Experiment experiment = prepare_fit({.data = data, .watched = {}}, options);
  std::vector<int> sides(5);
  for (const Row row : experiment.training(0).train) sides[static_cast<size_t>(data.groups[row])] |= 1;
  for (const Row row : experiment.training(0).validation) sides[static_cast<size_t>(data.groups[row])] |= 2;
  EXPECT_EQ(std::ranges::count(sides, 2), 2);
  EXPECT_EQ(std::ranges::count(sides, 1), 3);
  ThreadTeam team(1);
  EXPECT_NE(fit(experiment, team, {}, 4).model.temperature, 1);
}

}  // namespace
}  // namespace mudra
