// Which epochs are kept, and that what is kept is read back as it was.
#include "mudra/experiment/kept_epochs.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "mudra/core/error.h"
#include "mudra/core/rng.h"
#include "tests/message.h"
#include "tests/reference.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

Experiment small_experiment(int keep, const std::string& split = "0.5") {
  Rng rng(5, Purpose::test);
  std::vector<uint8_t> bytes;
  Dataset data;
  data.classes = {"=a", "b, \"c\"", ""};
  for (int i = 0; i < 60; ++i) {
    data.labels.push_back(i % 3);
    for (int p = 0; p < 12; ++p) bytes.push_back(static_cast<uint8_t>(rng.below(p % 3 == i % 3 ? 256 : 150)));
  }
  data.pixels = Pixels({60, 3, 4, 1}, std::move(bytes));
  Options options;
  options.split = split;
  options.network = "dense 5, relu";
  options.training.epochs = 4;
  options.training.ema = 0.5;
  options.run.keep_epochs = keep;
  return prepare(std::move(data), options);
}

TEST(EpochsToKeep, AreSpreadEvenlyWithTheFirstAndTheLast) {
  EXPECT_EQ(epochs_to_keep(0, 100), std::vector<int>{});
  EXPECT_EQ(epochs_to_keep(1, 100), (std::vector<int>{0, 100}));
  EXPECT_EQ(epochs_to_keep(2, 1), (std::vector<int>{0, 1}));
  EXPECT_EQ(epochs_to_keep(4, 100), (std::vector<int>{0, 1, 34, 67, 100}));
  for (const int epochs : {1, 2, 7, 999, 1'000'000}) {
    for (const int keep : {1, 2, 3, 10, 1000}) {
      const std::vector<int> numbers = epochs_to_keep(keep, epochs);
      ASSERT_EQ(numbers.size(), 1U + static_cast<size_t>(std::min(keep, epochs)));
      EXPECT_EQ(std::set<int>(numbers.begin(), numbers.end()).size(), numbers.size());
      EXPECT_TRUE(numbers.back() == epochs && (keep == 1 || numbers[1] == 1));
      int shortest = epochs, longest = 0;
      for (size_t i = 2; i < numbers.size(); ++i) {
        shortest = std::min(shortest, numbers[i] - numbers[i - 1]);
        longest = std::max(longest, numbers[i] - numbers[i - 1]);
      }
      EXPECT_TRUE(numbers.size() <= 2 || longest - shortest <= 1) << keep << " of " << epochs;
    }
  }
}

// The states that run_experiment tells of.
std::vector<KeptEpoch> kept_of(const Experiment& experiment) {
  ThreadTeam team(1);
  std::vector<KeptEpoch> kept;
  ExperimentEvents events;
  events.state = [&](size_t training, const Trainer& now) {
    if (is_epoch_kept(experiment, training, now)) kept.push_back(keep_epoch(experiment, now, team));
  };
  run_experiment(experiment, team, events);
  return kept;
}

TEST(KeptEpochs, BeginWithTheNetworkBeforeTrainingAndEndWithTheModel) {
  const Experiment experiment = small_experiment(1000);
  const std::vector<KeptEpoch> kept = kept_of(experiment);
  ASSERT_EQ(kept.size(), 5U);
  EXPECT_EQ(model_bytes(kept[0].model), model_bytes(experiment.initial));
  ThreadTeam team(1);
  const ExperimentResult result = *run_experiment(experiment, team);
  EXPECT_EQ(model_bytes(kept[4].model), model_bytes(result.model));  // averaged weights
  EXPECT_EQ(kept[4].answers.probabilities, result.answers.probabilities);
  EXPECT_NE(kept[3].answers.probabilities, result.answers.probabilities);
}

TEST(KeptEpochs, AreOfTheShownTrainingOnly) {
  const Experiment folds = small_experiment(2, "kfold:3");
  const std::vector<KeptEpoch> kept = kept_of(folds);
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(kept[2].answers.size(), folds.split.folds.back().test.size());
  ThreadTeam team(1);
  Trainer last = trainer_for(folds, 2, team);
  last.run();
  EXPECT_EQ(model_bytes(kept[2].model), model_bytes(model_with(folds, last.kept())));
}

TEST(KeptEpochs, AreReadAsTheyWereWritten) {
  const ScratchFolder folder;
  const Experiment experiment = small_experiment(3);
  const std::vector<KeptEpoch> kept = kept_of(experiment);
  EXPECT_EQ(kept_epochs_in(folder.path()), std::vector<int>{});
  for (const KeptEpoch& epoch : kept) write_kept_epoch(experiment, epoch, folder.path());
  EXPECT_EQ(kept_epochs_in(folder.path()), (std::vector<int>{0, 1, 2, 4}));
  for (const KeptEpoch& epoch : kept) {
    EXPECT_EQ(model_bytes(read_kept_model(folder.path(), epoch.number)), model_bytes(epoch.model));
    const Predictions told = read_kept_answers(folder.path(), epoch.number);
    EXPECT_EQ(told.classes, experiment.data.classes);
    ASSERT_EQ(told.rows.size(), epoch.answers.size());
    const std::vector<Row>& test = experiment.split.folds[0].test;
    for (size_t i = 0; i < test.size(); ++i) {
      const auto at = static_cast<size_t>(std::ranges::find(told.rows, test[i]) - told.rows.begin());
      ASSERT_LT(at, told.rows.size());
      EXPECT_EQ(told.labels[at], experiment.data.labels[test[i]]);
      EXPECT_EQ(told.answers.labels[at], epoch.answers.labels[i]);
      EXPECT_TRUE(std::ranges::equal(told.answers.of(at), epoch.answers.of(i)));
    }
  }
  // One whose last file is missing is not whole.
  fs::remove(folder.path() / "epochs/epoch-1.json");
  EXPECT_EQ(kept_epochs_in(folder.path()), (std::vector<int>{0, 2, 4}));
}

TEST(KeptEpochs, AreRemovedAndNothingElse) {
  const ScratchFolder folder;
  const Experiment experiment = small_experiment(1);
  const auto write = [&] {
    for (const KeptEpoch& epoch : kept_of(experiment)) write_kept_epoch(experiment, epoch, folder.path());
  };
  write();
  remove_kept_epochs(folder.path());
  EXPECT_FALSE(fs::exists(folder.path() / "epochs"));
  remove_kept_epochs(folder.path());  // of nothing
  write();
  const std::string theirs[] = {"epoch-.csv", "epoch--1.csv", "epoch-01.json", "epoch-1.csv.bak",
                                "notes.csv"};
  for (const std::string& name : theirs) std::ofstream(folder.path() / "epochs" / name) << "theirs";
  EXPECT_EQ(kept_epochs_in(folder.path()), (std::vector<int>{0, 4}));
  remove_kept_epochs(folder.path());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path() / "epochs"), {}), std::ssize(theirs));
}

TEST(KeptEpochs, ThatAreDamagedAreRefused) {
  const ScratchFolder folder;
  const Experiment experiment = small_experiment(1);
  for (const KeptEpoch& epoch : kept_of(experiment)) write_kept_epoch(experiment, epoch, folder.path());
  const fs::path model = folder.path() / "epochs/epoch-4.safetensors",
                 told = folder.path() / "epochs/epoch-4.csv";
  fs::resize_file(model, fs::file_size(model) - 1);
  fs::resize_file(told, fs::file_size(told) - 1);
  std::ofstream(told, std::ios::app) << "x\n";
  EXPECT_NE(message_of([&] { read_kept_model(folder.path(), 4); }).find("epoch-4.safetensors"),
            std::string::npos);
  EXPECT_NE(message_of([&] { read_kept_answers(folder.path(), 4); }).find("epoch-4.csv"), std::string::npos);
}

}  // namespace
}  // namespace mudra
