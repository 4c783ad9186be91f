#include <gtest/gtest.h>

#include <cstring>

#include "mudra/features/batches.h"
#include "mudra/training/trainer.h"

namespace mudra {
namespace {

Dataset some_data() {
  Dataset data;
  std::vector<uint8_t> bytes;
  Rng rng(1, Purpose::test);
  for (int i = 0; i < 61 * 56; ++i) bytes.push_back(static_cast<uint8_t>(rng.bits()));
  data.pixels = Pixels({61, 7, 8, 1}, bytes);
  data.classes = {"0", "1", "2"};
  for (int32_t i = 0; i < 61; ++i) data.labels.push_back(i % 3);
  return data;
}

Fold some_fold() {
  Fold fold;
  for (int64_t i = 0; i < 61; ++i) (i % 4 == 0 ? fold.test : fold.train).push_back(i);
  return fold;
}

// Every weight after training, and the last loss on held-out images.
std::pair<std::vector<Scalar>, double> trained(const std::string& augment, int threads, bool shuffle) {
  const Dataset data = some_data();
  TrainingOptions options;
  options.augment = Augmentation::parse(augment);
  options.shuffle = shuffle;
  options.batch_size = 10;
  options.epochs = 3;
  Network network = Network::parse("dense 13, relu", {1, 7, 8, 1}, 3);
  network.initialize(Initialization::he, 1);
  ThreadTeam team(threads);
  const Fold fold = some_fold();
  Trainer trainer(std::move(network), data, fold, options, 1, team);
  trainer.run();
  std::vector<Scalar> weights;
  for (const auto& parameter : trainer.kept().parameters()) {
    const auto values = parameter.parameter.tensor->values();
    weights.insert(weights.end(), values.begin(), values.end());
  }
  return {weights, trainer.history().back().loss_held_out};
}

TEST(AugmentedTraining, WeightsDoNotDependOnThreads) {
  const char* const text = "rotate 20, shift 1, elastic 1, brightness 0.2, noise 0.1, blur 0.5";
  for (const bool shuffle : {false, true}) {
    const auto one = trained(text, 1, shuffle);
    EXPECT_EQ(trained(text, 3, shuffle), one);
    EXPECT_NE(trained("", 1, shuffle), one);
    EXPECT_NE(trained("rotate 20", 1, shuffle), one);
  }
}

TEST(AugmentedTraining, ABatchMayBeChangedAndTheNextPassIsAsBefore) {
  const Dataset data = some_data();
  const Fold fold = some_fold();
  for (const bool ordered : {false, true}) {
    Batches batches(data, fold.train, 10);
    if (ordered) batches.shuffle(Rng(1, Purpose::test));
    const Tensor before = batches.batch(1);
    Tensor& changed = batches.copy(1);
    EXPECT_EQ(std::memcmp(changed.data(), before.data(), sizeof(Scalar) * 560), 0);
    changed.fill(0);
    EXPECT_EQ(std::memcmp(batches.batch(1).data(), before.data(), sizeof(Scalar) * 560), 0);
    for (int64_t b = 0; b < batches.count(); ++b) {
      const auto rows = batches.row_numbers(b);
      ASSERT_EQ(static_cast<int64_t>(rows.size()), batches.size(b));
      const Tensor& images = batches.batch(b);
      std::vector<float> stored(56);
      for (size_t i = 0; i < rows.size(); ++i) {
        data.pixels.read(rows[i], stored.data());
        EXPECT_EQ(std::memcmp(images.data() + i * 56, stored.data(), sizeof(Scalar) * 56), 0);
      }
    }
  }
}

}  // namespace
}  // namespace mudra
