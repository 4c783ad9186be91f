// The loss of heads against central differences; torch_loss_test.cpp has its values.
#include "mudra/network/heads_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mudra/core/rng.h"
#include "mudra/core/thread_team.h"
#include "mudra/network/network.h"
#include "mudra/network/plan.h"

namespace mudra {
namespace {

// "presence 2, distance 3 weight 0.5, classes 3" at six places, some of which do not count.
struct RandomPlaces {
  static constexpr int64_t images = 11, places = 6, classes = 3;
  static constexpr int64_t channels = 2 + 3 + classes, values = 3 + 4 + 2;

  explicit RandomPlaces(double smoothing)
      : heads({{HeadKind::presence, 2, 1}, {HeadKind::distance, 3, 0.5}, {HeadKind::classes, classes, 1}}),
        loss(heads, places, images, {smoothing}) {
    Rng rng(5, Purpose::test);
    for (Scalar& z : outputs.values()) z = static_cast<Scalar>(rng.normal(0, 2));
    Scalar* t = targets.data();
    for (int64_t place = 0; place < images * places; ++place) {
      *t++ = static_cast<Scalar>(place % 3);
      for (int i = 0; i < 2; ++i) *t++ = static_cast<Scalar>(rng.uniform());
      *t++ = static_cast<Scalar>(place % 2) / 2;
      for (int i = 0; i < 3; ++i) *t++ = static_cast<Scalar>(rng.normal(0, 1));
      *t++ = static_cast<Scalar>(place % 4 == 1);
      *t++ = static_cast<Scalar>(rng.below(classes));
    }
    for (Scalar& weight : weights) weight = static_cast<Scalar>(0.5 + rng.uniform());
  }
  double value() {
    Tensor none;
    return loss(outputs, targets, none, weights).mean;
  }

  std::vector<Head> heads;
  HeadsLoss loss;
  Tensor outputs{{images, places, channels}}, targets{{images, places, values}};
  Tensor gradient{{images, places, channels}};
  std::vector<Scalar> weights = std::vector<Scalar>(images);
};

TEST(HeadsLoss, GradientsMatchCentralDifferences) {
  constexpr bool in_double = sizeof(Scalar) == 8;
  const double h = in_double ? 1e-5 : 1e-2, tolerance = in_double ? 1e-9 : 1e-4;
  for (const double smoothing : {0.0, 0.2}) {
    RandomPlaces random(smoothing);
    random.gradient.fill(7);  // whatever is there is overwritten
    random.loss(random.outputs, random.targets, random.gradient, random.weights);
    for (int64_t i = 0; i < random.outputs.size(); ++i) {
      Scalar& z = random.outputs[i];
      const Scalar kept = z;
      z = static_cast<Scalar>(static_cast<double>(kept) + h);
      const double above = static_cast<double>(z), high = random.value();
      z = static_cast<Scalar>(static_cast<double>(kept) - h);
      const double slope = (high - random.value()) / (above - static_cast<double>(z));
      z = kept;
      EXPECT_NEAR(static_cast<double>(random.gradient[i]), slope, tolerance)
          << "smoothing " << smoothing << ", output " << i;
    }
  }
}

// Values where the weight is 0 may be anything, and the first head of classes is what is counted.
TEST(HeadsLoss, APlaceOfWeightZeroIsAsIfItWereNotThere) {
  RandomPlaces random(0);
  std::vector<int64_t> answered(random.classes, 0);
  const BatchLoss before =
      random.loss(random.outputs, random.targets, random.gradient, random.weights, {}, answered);
  const std::vector<Scalar> gradient(random.gradient.values().begin(), random.gradient.values().end());
  EXPECT_EQ(before.counted, 17);  // places 1, 5, 9, ... of 66
  EXPECT_EQ(answered[0] + answered[1] + answered[2], 17);
  int64_t right = 0;
  for (int64_t place = 0; place < random.images * random.places; ++place) {
    Scalar* t = random.targets.data() + place * random.values;
    const Scalar* z = random.outputs.data() + place * random.channels + 5;
    if (t[7] > 0) right += argmax(z, random.classes) == static_cast<int32_t>(t[8]);
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    if (t[0] == 0) t[1] = t[2] = nan;
    if (t[3] == 0) t[4] = t[5] = t[6] = nan;
    if (t[7] == 0) t[8] = nan;
  }
  EXPECT_EQ(before.right, right);
  EXPECT_TRUE(problem_of_targets(random.heads, random.targets.values()).empty());
  const BatchLoss after = random.loss(random.outputs, random.targets, random.gradient, random.weights);
  EXPECT_EQ(after.mean, before.mean);
  for (size_t i = 0; i < gradient.size(); ++i)
    ASSERT_EQ(random.gradient[static_cast<int64_t>(i)], gradient[i]);
}

TEST(HeadsLoss, TheShardsOfABatchAddUpToItsBits) {
  RandomPlaces random(0.1);
  const BatchLoss whole = random.loss(random.outputs, random.targets, random.gradient, random.weights);
  double sum = 0;
  for (int shard = 0; shard < gradient_shards; ++shard) {
    const int64_t begin = Shards::shard_begin(shard, random.images);
    const int64_t count = Shards::shard_begin(shard + 1, random.images) - begin;
    const auto part = [&](Tensor& of, int64_t size) {
      return Tensor::borrow(of.data() + begin * random.places * size, {count, random.places, size});
    };
    Tensor gradient({std::max<int64_t>(1, count), random.places, random.channels});
    gradient.reshape({count, random.places, random.channels});
    sum +=
        random
            .loss(part(random.outputs, random.channels), part(random.targets, random.values), gradient,
                  std::span(random.weights).subspan(static_cast<size_t>(begin), static_cast<size_t>(count)),
                  Shards::only(shard, random.images))
            .sum;
    for (int64_t i = 0; i < count * random.places * random.channels; ++i)
      ASSERT_EQ(gradient[i], random.gradient[begin * random.places * random.channels + i])
          << "shard " << shard;
  }
  EXPECT_EQ(sum, whole.sum);
}

// A head of classes at the only place is what an ordinary network of that many classes has.
TEST(HeadsLoss, OfClassesAtOnePlaceHasTheBitsOfTheLoss) {
  Tensor logits({7, 5}), targets({7, 1, 2}), expected(logits.shape()), found(logits.shape());
  Rng rng(3, Purpose::test);
  for (Scalar& z : logits.values()) z = static_cast<Scalar>(rng.normal(0, 2));
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < 7; ++i) {
    labels.push_back(static_cast<int32_t>(rng.below(5)));
    targets[2 * i] = 1;
    targets[2 * i + 1] = static_cast<Scalar>(labels.back());
  }
  const BatchLoss one = Loss(5, 7, {0.1})(logits, labels, expected);
  const BatchLoss other = HeadsLoss({{HeadKind::classes, 5, 1}}, 1, 7, {0.1})(logits, targets, found);
  EXPECT_EQ(one.mean, other.mean);
  EXPECT_EQ(one.right, other.right);
  EXPECT_EQ(one.counted, other.counted);
  for (int64_t i = 0; i < logits.size(); ++i) EXPECT_EQ(expected[i], found[i]);
}

TEST(HeadsLoss, TargetsThatCannotBeAreNamed) {
  const std::vector<Head> heads = {{HeadKind::classes, 3, 1}, {HeadKind::presence, 1, 1}};
  const auto problem = [&](std::vector<Scalar> place) { return problem_of_targets(heads, place); };
  EXPECT_EQ(problem({1, 2, 1, 1}), "");
  EXPECT_EQ(problem({0, -7, 0, 9}), "");
  EXPECT_EQ(problem({1, 3, 1, 1}), "has a target 3 of `heads(classes 3)` that is no number of a class");
  EXPECT_NE(problem({1, Scalar(0.5), 1, 1}), "");
  EXPECT_NE(problem({1, -1, 1, 1}), "");
  EXPECT_NE(problem({-1, 0, 1, 1}), "");
  EXPECT_NE(problem({std::numeric_limits<Scalar>::quiet_NaN(), 0, 1, 1}), "");
  EXPECT_NE(problem({1, 0, 1, Scalar(1.5)}), "");
  EXPECT_NE(problem_of_targets(std::vector<Head>{{HeadKind::distance, 1, 1}},
                               std::vector<Scalar>{1, std::numeric_limits<Scalar>::infinity()}),
            "");
}

// Chunks of a large batch (Plan::infer) are copied whole, whatever the rank of the outputs is.
TEST(Heads, OutputsAtPlacesDoNotDependOnTheBatch) {
  Network network =
      Network::parse("conv 20 3x3, relu, pool 2, heads(presence 2, distance 3)", {1, 40, 36, 3}, 2);
  network.initialize(Initialization::he, 2);
  constexpr int64_t many = 53;
  Tensor x({many, 40, 36, 3});
  Rng rng(9, Purpose::test);
  for (Scalar& value : x.values()) value = static_cast<Scalar>(rng.uniform());
  ThreadTeam team(2);
  Plan all(network, many, Plan::Mode::infer), one(network, 1, Plan::Mode::infer);
  const Tensor& together = all.infer(network, x, Context{team});
  ASSERT_EQ(together.shape(), (Shape{many, 20, 18, 5}));
  for (int64_t i = 0; i < many; ++i) {
    const Tensor image = Tensor::borrow(x.data() + i * 40 * 36 * 3, {1, 40, 36, 3});
    const Tensor& alone = one.infer(network, image, Context{team});
    ASSERT_EQ(alone.shape(), (Shape{1, 20, 18, 5}));
    for (int64_t k = 0; k < alone.size(); ++k) ASSERT_EQ(together[i * alone.size() + k], alone[k]) << i;
  }
}

}  // namespace
}  // namespace mudra
