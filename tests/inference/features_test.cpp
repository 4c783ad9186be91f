// What all layers but the last make of images, and the last layer that learns from it.
#include "mudra/inference/features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "mudra/core/error.h"
#include "mudra/inference/inference.h"

namespace mudra {
namespace {

// Thirty noisy images of two classes.
Dataset noise() {
  Rng rng(5, Purpose::test);
  std::vector<uint8_t> bytes(size_t{30} * 9 * 7 * 3);
  for (uint8_t& value : bytes) value = static_cast<uint8_t>(rng.below(256));
  Dataset data;
  data.pixels = Pixels({30, 9, 7, 3}, std::move(bytes));
  data.classes = {"a", "b", "c"};
  for (int i = 0; i < 30; ++i) data.labels.push_back(i % 3);
  return data;
}

Network network(const std::string& line) {
  Network made = Network::parse(line, {1, 9, 7, 3}, 3);
  made.initialize(Initialization::he, 4);
  return made;
}

std::vector<Row> every_row(const Dataset& data) {
  std::vector<Row> rows(static_cast<size_t>(data.size()));
  std::iota(rows.begin(), rows.end(), Row{0});
  return rows;
}

std::vector<Scalar> logits(const Network& of, const Dataset& data) {
  const std::vector<Row> rows = every_row(data);
  ThreadTeam team(1);
  std::vector<Scalar> all;
  Inference(of, data, rows).run(of, team, [&](const Tensor& outputs, auto, auto) {
    all.insert(all.end(), outputs.values().begin(), outputs.values().end());
  });
  return all;
}

std::vector<float> values(const Dataset& features) {
  const auto width = static_cast<size_t>(features.pixels.shape().per_example());
  std::vector<float> all(static_cast<size_t>(features.size()) * width);
  for (int64_t i = 0; i < features.size(); ++i)
    features.pixels.read(i, all.data() + static_cast<size_t>(i) * width);
  return all;
}

TEST(Features, GiveTheLastLayerTheLogitsOfTheWholeNetworkToTheBit) {
  const Dataset data = noise();
  for (const char* line :
       {"conv 5 3x3, batch-norm, relu, pool 2, dense 17, relu", "residual(conv 3 3x3, relu), global-pool",
        "conv 5 3x3, pool 3", "tanh", "dense 3"}) {
    SCOPED_TRACE(line);
    Network whole = network(line);
    ThreadTeam one(1), two(2);
    const Dataset features = features_of(whole, data, every_row(data), one);
    EXPECT_EQ(features.labels, data.labels);
    EXPECT_EQ(values(features), values(features_of(whole, data, every_row(data), two)));
    const Network last = last_layer_of(whole);
    EXPECT_EQ(logits(last, features), logits(whole, data));
    const std::vector<Scalar> before = logits(whole, data);
    Network other = last;
    other.initialize(Initialization::he, 9);
    set_last_layer(whole, other);
    EXPECT_EQ(logits(other, features), logits(whole, data));
    EXPECT_NE(before, logits(whole, data));
  }
}

TEST(Features, OfAChangedImageDoNotDependOnTheOthers) {
  const Dataset data = noise();
  const Network whole = network("conv 5 3x3, relu, dense 17, relu");
  const Changes changes{Augmentation::parse("rotate 20, brightness 0.3"), 8};
  ThreadTeam team(2);
  const std::vector<float> all = values(features_of(whole, data, every_row(data), team, changes));
  EXPECT_NE(all, values(features_of(whole, data, every_row(data), team)));
  EXPECT_NE(all, values(features_of(whole, data, every_row(data), team, {changes.augment, 9})));
  const std::vector<Row> some = {21, 4};
  const Dataset two = features_of(whole, data, some, team, changes);
  EXPECT_EQ(two.labels, (std::vector<int32_t>{0, 1}));
  const std::vector<float> found = values(two);
  EXPECT_TRUE(std::equal(found.begin(), found.begin() + 17, all.begin() + std::ptrdiff_t{21} * 17));
  EXPECT_TRUE(std::equal(found.begin() + 17, found.end(), all.begin() + std::ptrdiff_t{4} * 17));
}

TEST(Features, AreRefusedWithoutALastLayerToLearnFromThem) {
  const Dataset data = noise();
  ThreadTeam team(1);
  Network alone = network("dense 3");
  alone.layers.erase(alone.layers.begin());  // the flattening
  EXPECT_FALSE(has_features(alone));
  EXPECT_THROW(last_layer_of(alone), Error);
  EXPECT_THROW(features_of(network("conv 3 3x3, heads(presence 1)"), data, every_row(data), team), Error);
}

}  // namespace
}  // namespace mudra
