// The whole experiment of the report against NumPy: all 100 epochs from the same weights and split.
#include <gtest/gtest.h>

#include "mudra/experiment/options.h"
#include "mudra/network/model.h"
#include "mudra/training/trainer.h"
#include "tests/network/report_network.h"

namespace mudra {
namespace {

const char* const report_file = "sign-digits/dataset_labels.npz";

struct ReportTraining {
  ScratchFolder folder;
  Dataset data;
  Fold fold;
  Options options;

  // `source` is a data file or "random".
  explicit ReportTraining(const std::string& source) {
    const int status =
        run_reference("report_experiment.py", "'" + source + "' '" + folder.path().string() + "' >/dev/null");
    if (status != 0) throw std::runtime_error("the reference script failed");
    auto images = read_raw<uint8_t>(folder.path() / "images.u8");
    data.labels = read_raw<int32_t>(folder.path() / "labels.i32");
    const int64_t count = static_cast<int64_t>(data.labels.size());
    data.pixels = Pixels({count, 28, 28, 1}, std::move(images));
    data.classes = {"0", "5"};
    const auto split = read_raw<int64_t>(folder.path() / "split.i64");
    const auto middle = split.begin() + count * 8 / 10;
    fold = {{split.begin(), middle}, {middle, split.end()}, "reference"};
    options = make_options({}, {{"recipe", "report"}});
  }

  Trainer trainer(ThreadTeam& team, bool fuse = true) const {
    return {report_network(folder.path()), data, fold, options.training, options.seed, team, fuse};
  }
};

TEST(ReportExperiment, LossesOfAllEpochsMatchNumPy) {
  if (!python_has("numpy")) GTEST_SKIP() << "NumPy is not installed";
  MUDRA_NEEDS(photographs(report_file));
  const ReportTraining experiment(photographs(report_file));
  ThreadTeam team(1);
  Trainer training = experiment.trainer(team);
  training.run();
  const auto losses = read_raw<double>(experiment.folder.path() / "losses.f64");
  ASSERT_EQ(training.history().size(), losses.size() / 2);
  for (size_t e = 0; e < training.history().size(); ++e) {
    EXPECT_NEAR(training.history()[e].loss_train, losses[2 * e], 1e-4 * losses[2 * e]) << "epoch " << e + 1;
    EXPECT_NEAR(training.history()[e].loss_held_out, losses[2 * e + 1], 1e-4 * losses[2 * e + 1])
        << "epoch " << e + 1;
  }
}

TEST(ReportExperiment, ModelHasTheSameBytesForAnyThreadsFusedOrPlain) {
  if (!python_has("numpy")) GTEST_SKIP() << "NumPy is not installed";
  ReportTraining experiment("random");
  experiment.options.training.epochs = 3;
  const auto bytes = [&](int threads, bool fuse) {
    ThreadTeam team(threads);
    Trainer training = experiment.trainer(team, fuse);
    training.run();
    return model_bytes({training.kept(), experiment.data.classes, {}});
  };
  const std::string one = bytes(1, true);
  for (const int threads : {2, 3, 4, 8}) EXPECT_TRUE(bytes(threads, true) == one) << threads << " threads";
  EXPECT_TRUE(bytes(1, false) == one) << "plain";
  EXPECT_TRUE(bytes(4, false) == one) << "plain, 4 threads";
}

}  // namespace
}  // namespace mudra
