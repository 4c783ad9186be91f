// Networks with heads, trained on targets.
#include <gtest/gtest.h>

#include <cmath>

#include "mudra/core/error.h"
#include "mudra/inference/predictor.h"
#include "mudra/training/trainer.h"
#include "tests/message.h"

namespace mudra {
namespace {

constexpr int64_t squares_count = 90, side = 8, grid = 4;

// A square of two pixels in a noisy image: `places` says in which place of a 4x4 grid it lies, and there how
// bright it is; `else` the same as a class beside two numbers, where it is.
struct Square {
  int64_t place;
  float brightness;
};
Square square_of(int64_t image) { return {image * 7 % 16, 0.5F + 0.5F * static_cast<float>(image % 4) / 3}; }

class PlaceTargets final : public TargetSource {
 public:
  Shape shape() const override { return {grid, grid, 4}; }
  void read(int64_t image, float* out) const override {
    const auto [place, brightness] = square_of(image);
    for (int64_t p = 0; p < grid * grid; ++p) {
      const float is_here = p == place ? 1 : 0;
      *out++ = 1, *out++ = is_here;           // presence
      *out++ = is_here, *out++ = brightness;  // distance
    }
  }
};

Dataset squares() {
  Dataset data;
  data.source = "squares";
  data.classes = {"left", "right", "none"};
  std::vector<float> pixels;
  Rng rng(4, Purpose::test);
  for (int64_t i = 0; i < squares_count; ++i) {
    const auto [place, brightness] = square_of(i);
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        const bool is_square = y / 2 * grid + x / 2 == place;
        pixels.push_back(is_square ? brightness : static_cast<float>(0.2 * rng.uniform()));
      }
    }
    data.labels.push_back(static_cast<int32_t>(place % grid / 2));
  }
  data.pixels = Pixels({squares_count, side, side, 1}, std::move(pixels), 1);
  return data;
}

// The label and, of weight 1, where the square is: "classes 3, distance 2".
std::shared_ptr<const TargetSource> label_and_position(const Dataset& data) {
  std::vector<float> values;
  for (int64_t i = 0; i < squares_count; ++i) {
    const int64_t place = square_of(i).place;
    values.insert(values.end(), {1, static_cast<float>(data.labels[static_cast<size_t>(i)]), 1,
                                 static_cast<float>(place % grid), static_cast<float>(place) / grid});
  }
  return std::make_shared<StoredTargets>(Shape{1, 1, 5}, std::move(values));
}

Fold fold_of_squares() {
  Fold fold;
  for (Row i = 0; i < squares_count; ++i) (i % 5 == 0 ? fold.validation : fold.train).push_back(i);
  return fold;
}

Network squares_network(const std::string& line) {
  Network network = Network::parse(line, {1, side, side, 1}, 3);
  network.initialize(Initialization::he, 1);
  return network;
}

TrainingOptions squares_options(int epochs) {
  TrainingOptions options;
  options.epochs = epochs;
  options.batch_size = 9;
  options.learning_rate = 0.01;
  return options;
}

std::vector<Scalar> all_weights(const Network& network) {
  std::vector<Scalar> weights;
  for (const auto& named : network.parameters()) {
    const auto values = named.parameter.tensor->values();
    weights.insert(weights.end(), values.begin(), values.end());
  }
  return weights;
}

constexpr const char* at_places = "conv 8 3x3, relu, pool 2, heads(presence 1, distance 1 weight 0.5)";

TEST(HeadsTraining, FindsWhereThingsAre) {
  Dataset data = squares();
  data.targets = std::make_shared<PlaceTargets>();
  const Fold fold = fold_of_squares();
  ThreadTeam team(1);
  Trainer trainer(squares_network(at_places), data, fold, squares_options(40), 1, team);
  EXPECT_EQ(trainer.run(), Ending::finished);
  const Epoch &first = trainer.history().front(), &last = trainer.history().back();
  EXPECT_LT(last.loss_train, first.loss_train / 10);
  EXPECT_LT(last.loss_validation, first.loss_validation / 5);
  EXPECT_TRUE(std::isnan(last.accuracy_train));  // no classes, no answers to count
  EXPECT_TRUE(std::isnan(last.accuracy_validation));
  EXPECT_TRUE(trainer.warnings().empty());
  Plan plan(trainer.kept(), 1, Plan::Mode::infer);
  Tensor x({1, side, side, 1});
  for (const Row row : fold.validation) {
    data.pixels.read(row, x.data());
    const Tensor& y = plan.infer(trainer.kept(), x, Context{team});
    const auto [place, brightness] = square_of(row);
    for (int64_t p = 0; p < grid * grid; ++p) EXPECT_EQ(y[2 * p] > 0, p == place) << row;
    EXPECT_NEAR(y[2 * place + 1], brightness, 0.15);
  }
}

TEST(HeadsTraining, WeightsDoNotDependOnThreadsAndGoOnFromAnyState) {
  Dataset data = squares();
  const Fold fold = fold_of_squares();
  for (const std::string line : {at_places, "conv 8 3x3, relu, pool 2, heads(classes 2, distance 1)",
                                 "dense 12, batch-norm, relu, heads(classes 3, distance 2)"}) {
    if (line.starts_with("conv")) {
      data.targets = std::make_shared<PlaceTargets>();
    } else {
      data.targets = label_and_position(data);
    }
    TrainingOptions options = squares_options(3);
    options.augment = Augmentation::parse("brightness 0.2, noise 0.05");
    options.ema = 0.9;
    options.label_smoothing = 0.1;
    std::vector<std::vector<Scalar>> outcomes;
    for (const auto& [threads, fuse] : {std::pair(1, true), {3, true}, {2, false}}) {
      ThreadTeam team(threads);
      Trainer trainer(squares_network(line), data, fold, options, 1, team, fuse);
      for (int step = 0; step < 5; ++step) trainer.step();
      const std::string state = trainer.state();
      trainer.run();
      outcomes.push_back(all_weights(trainer.kept()));
      Trainer restored(squares_network(line), data, fold, options, 1, team, fuse);
      restored.restore(state, "state");
      restored.run();
      outcomes.push_back(all_weights(restored.kept()));
    }
    for (const auto& outcome : outcomes) EXPECT_EQ(outcome, outcomes[0]) << line;
  }
}

// Labels stand for the targets of a single head of classes: the same training, whichever way it is written.
TEST(HeadsTraining, OfClassesAloneHasTheBitsOfAnOrdinaryTraining) {
  const Dataset data = squares();
  const Fold fold = fold_of_squares();
  ThreadTeam team(1);
  Trainer plain(squares_network("dense 12, relu"), data, fold, squares_options(3), 1, team);
  Trainer heads(squares_network("dense 12, relu, heads(classes 3)"), data, fold, squares_options(3), 1, team);
  plain.run();
  heads.run();
  EXPECT_EQ(all_weights(heads.kept()), all_weights(plain.kept()));
  for (size_t e = 0; e < 3; ++e) {
    const Epoch &one = plain.history()[e], &other = heads.history()[e];
    EXPECT_EQ(other.loss_train, one.loss_train);
    EXPECT_EQ(other.accuracy_train, one.accuracy_train);
    EXPECT_EQ(other.same_answer, one.same_answer);
    EXPECT_EQ(other.loss_validation, one.loss_validation);
    EXPECT_EQ(other.accuracy_validation, one.accuracy_validation);
  }
}

TEST(HeadsTraining, AModelWithAnAuxiliaryHeadAnswersLikeAnOrdinaryClassifier) {
  Dataset data = squares();
  data.targets = label_and_position(data);
  const Fold fold = fold_of_squares();
  ThreadTeam team(1);
  Trainer trainer(squares_network("dense 24, relu, heads(classes 3, distance 2)"), data, fold,
                  squares_options(40), 1, team);
  trainer.run();
  EXPECT_GT(trainer.history().back().accuracy_train, 0.95);
  const Predictor predictor({trainer.kept(), data.classes, {side, side, 1, Fit::stretch}});
  const Answers answers = predictor.answers(data, fold.validation, team);
  double right = 0;
  for (size_t i = 0; i < answers.size(); ++i)
    right += answers.labels[i] == data.labels[fold.validation[i]] ? 1 : 0;
  EXPECT_EQ(right / static_cast<double>(answers.size()), trainer.history().back().accuracy_validation);
  std::vector<float> image(side * side);
  data.pixels.read(0, image.data());
  const Answer answer = predictor.answer(image);
  EXPECT_EQ(answer.logits.size(), 3U);
  Plan plan(trainer.kept(), 1, Plan::Mode::infer);
  Tensor x({1, side, side, 1});
  std::ranges::copy(image, x.data());
  const Tensor& outputs = plan.infer(trainer.kept(), x, Context{team});
  ASSERT_EQ(outputs.shape(), (Shape{1, 5}));
  for (int64_t c = 0; c < 3; ++c) EXPECT_EQ(answer.logits[static_cast<size_t>(c)], outputs[c]);
}

// Softmax of two logits is the sigmoid of their difference.
TEST(HeadsTraining, TwoClassesOfAHeadHaveOneLogit) {
  Network network = Network::parse("dense 4, heads(classes 2, distance 1)", {1, side, side, 1}, 1);
  network.initialize(Initialization::he, 3);
  const Predictor predictor({network, {"a", "b"}, {side, side, 1, Fit::stretch}});
  const Answer answer = predictor.answer(std::vector<float>(side * side, 0.5F));
  ThreadTeam team(1);
  Tensor x({1, side, side, 1});
  x.fill(0.5F);
  Plan plan(network, 1, Plan::Mode::infer);
  const Tensor& z = plan.infer(network, x, Context{team});
  const double a = std::exp(static_cast<double>(z[0])), b = std::exp(static_cast<double>(z[1]));
  ASSERT_EQ(answer.logits.size(), 1U);
  EXPECT_NEAR(answer.probabilities[0], a / (a + b), 1e-6);
  EXPECT_NEAR(answer.probabilities[1], b / (a + b), 1e-6);
}

TEST(HeadsTraining, WhatDoesNotFitIsSaidBeforeTheFirstStep) {
  Dataset data = squares();
  const Fold fold = fold_of_squares();
  ThreadTeam team(1);
  const auto message = [&](const std::string& line, const std::string& augment = "") {
    TrainingOptions options = squares_options(1);
    options.augment = Augmentation::parse(augment);
    return message_of([&] { Trainer(squares_network(line), data, fold, options, 1, team); });
  };
  EXPECT_NE(message(at_places).find("squares: has no targets for `heads(presence 1, distance 1 weight 0.5)`"),
            std::string::npos);
  EXPECT_NE(message("heads(classes 3, distance 2)").find("has no targets"), std::string::npos);
  EXPECT_NE(message("global-pool, heads(classes 4)").find("does not tell 3 classes"), std::string::npos);
  data.targets = std::make_shared<PlaceTargets>();
  EXPECT_EQ(message(at_places), "no error");
  EXPECT_EQ(message(at_places, "noise 0.1"), "no error");
  EXPECT_NE(message(at_places, "noise 0.1, shift 2").find("augment item 'shift'"), std::string::npos);
  EXPECT_NE(message("heads(presence 1, distance 1)").find("of shape [4, 4, 4]"), std::string::npos);
  EXPECT_NE(message("heads(presence 1, distance 1)").find("needs [8, 8, 4]"), std::string::npos);
  std::vector<float> values(squares_count * 64, 1);
  values[64 * 31 + 1] = 2;  // a presence
  data.targets = std::make_shared<StoredTargets>(Shape{grid, grid, 4}, values);
  const std::string wrong = message_of([&] {
    Trainer trainer(squares_network(at_places), data, fold, squares_options(1), 1, team);
    trainer.run();
  });
  EXPECT_NE(wrong.find("squares: image 31 (counted from 0) has a target 2"), std::string::npos) << wrong;
  const std::string finder = message_of([&] {
    const Predictor predictor({squares_network(at_places), data.classes, {side, side, 1, Fit::stretch}});
  });
  EXPECT_NE(finder.find("at 16 places does not tell 3 classes of images apart"), std::string::npos) << finder;
}

TEST(HeadsTraining, TargetsFollowTheirImages) {
  Dataset data = squares();
  data.targets = std::make_shared<PlaceTargets>();
  const auto value = [](const Dataset& of, Row row) {
    std::vector<float> values(64);
    of.targets->read(row, values.data());
    return values;
  };
  const Dataset some = data.select(std::vector<Row>{5, 3, 88}).select(std::vector<Row>{2, 0});
  EXPECT_EQ(value(some, 0), value(data, 88));
  EXPECT_EQ(value(some, 1), value(data, 5));
  const Dataset both = joined(std::vector<Dataset>{some, data, some});
  EXPECT_EQ(value(both, 1), value(data, 5));
  EXPECT_EQ(value(both, 2 + 77), value(data, 77));
  EXPECT_EQ(value(both, 2 + squares_count), value(data, 88));
  EXPECT_EQ(joined(std::vector<Dataset>{squares(), squares()}).targets, nullptr);
  EXPECT_NE(message_of([&] {
              joined(std::vector<Dataset>{data, squares()});
            }).find("has no targets"),
            std::string::npos);
}

}  // namespace
}  // namespace mudra
