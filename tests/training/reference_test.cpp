// Optimizers, clipping, schedules, averages and weighted losses against PyTorch in double precision:
// tests/reference/training.py.
#include "tests/reference.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "mudra/experiment/options.h"
#include "mudra/training/trainer.h"

namespace mudra {
namespace {

using Json = nlohmann::json;

std::vector<Scalar> flat(const Json& values) {
  std::vector<Scalar> all;
  for (const Json& value : values) {
    if (value.is_array()) {
      for (const Scalar one : flat(value)) all.push_back(one);
    } else {
      all.push_back(value.get<Scalar>());
    }
  }
  return all;
}

struct ReferenceRun {
  Dataset data;
  Fold fold;
  Network network;

  ReferenceRun(const Json& given, int64_t classes) {
    std::vector<uint8_t> pixels;
    for (const Json& image : given.at("images")) {
      for (const Json& value : image) pixels.push_back(value.get<uint8_t>());
    }
    data.labels = given.at("labels").get<std::vector<int32_t>>();
    const auto images = static_cast<int64_t>(data.labels.size());
    data.pixels = Pixels({images, 2, 3, 1}, std::move(pixels));
    for (int64_t c = 0; c < classes; ++c) data.classes.push_back(std::to_string(c));
    for (int64_t i = 0; i < images; ++i) fold.train.push_back(i);
    network = Network::parse("dense 5, tanh", {1, 2, 3, 1}, outputs_for(classes));
    for (const Network::Named& named : network.parameters())
      from_file_order(named.parameter, flat(given.at("weights").at(named.name)));
  }
};

Json reference() {
  std::ifstream in(source_file("tests/reference/training.json"));
  return Json::parse(in);
}

TrainingOptions options_of(const Json& one) {
  auto given = one.at("options").get<std::map<std::string, std::string>>();
  given["shuffle"] = "false";
  return make_options({}, given).training;
}

TEST(Training, LossesAndWeightsMatchPyTorch) {
  const Json file = reference();
  ThreadTeam team(2);
  for (const Json& one : file.at("cases")) {
    SCOPED_TRACE(one.at("options").dump());
    const auto classes = one.at("classes").get<int64_t>();
    ReferenceRun example(file.at("data").at(std::to_string(classes)), classes);
    example.data.example_weights = one.at("example_weights").get<std::vector<float>>();
    Trainer training(example.network, example.data, example.fold, options_of(one), 1, team);
    training.run();
    const Json& losses = one.at("losses");
    ASSERT_EQ(training.history().size(), losses.size());
    for (size_t e = 0; e < losses.size(); ++e)
      EXPECT_NEAR(training.history()[e].loss_train, losses[e].get<double>(), 1e-5) << "epoch " << e + 1;
    for (const auto& named : training.kept().parameters()) {
      const std::vector<Scalar> expected = flat(one.at("weights").at(named.name));
      const std::vector<Scalar> found = to_file_order(named.parameter);
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 2e-5) << named.name << i;
    }
  }
}

TEST(Schedule, RatesMatchPyTorch) {
  const Json file = reference();
  for (const Json& one : file.at("cases")) {
    SCOPED_TRACE(one.at("options").dump());
    const TrainingOptions options = options_of(one);
    const auto rates = one.at("rates").get<std::vector<double>>();
    const auto epochs = static_cast<size_t>(options.epochs);
    const Schedule schedule(options, static_cast<int64_t>(rates.size() / epochs));
    for (size_t step = 0; step < rates.size(); ++step) {
      EXPECT_NEAR(schedule.rate(static_cast<int64_t>(step)), rates[step], 1e-12) << "step " << step;
    }
  }
}

TEST(Schedule, ConstantIsTheRateToTheBit) {
  TrainingOptions options;
  options.learning_rate = 0.0173;
  EXPECT_EQ(Schedule(options, 7).rate(0), 0.0173);
  EXPECT_EQ(Schedule(options, 7).rate(200), 0.0173);
}

TEST(Schedule, IsFiniteForAnyLength) {
  for (const auto& [kind, name] : Named<ScheduleKind>::values) {
    for (const double warm_up : {0.0, 0.001, 0.5, 1.0, 3.0, 1000.0}) {
      for (const int epochs : {1, 2, 3}) {
        for (const int64_t steps : {1, 2, 5}) {
          TrainingOptions options;
          options.schedule = kind;
          options.warm_up = warm_up;
          options.epochs = epochs;
          const Schedule schedule(options, steps);
          for (int64_t t = 0; t < steps * epochs; ++t) {
            const double rate = schedule.rate(t);
            EXPECT_TRUE(rate >= 0 && rate <= options.learning_rate * (1 + 1e-12))
                << name << " warm-up " << warm_up << " step " << t << ": " << rate;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace mudra
