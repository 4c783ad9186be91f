// A run's folder belongs to one process, and what is gone on with is what was begun.
#include "mudra/run/run_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/rng.h"
#include "tests/message.h"
#include "tests/reference.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

// More images than a sample of them would hold.
Dataset images(bool is_bytes) {
  constexpr int count = 600;
  Rng rng(3, Purpose::test);
  std::vector<uint8_t> bytes;
  Dataset data;
  for (int i = 0; i < count; ++i) {
    data.labels.push_back(i % 2);
    data.example_weights.push_back(1);
    for (int p = 0; p < 12; ++p) bytes.push_back(static_cast<uint8_t>(rng.below(p % 2 == i % 2 ? 256 : 180)));
  }
  data.classes = {"a", "b"};
  data.pixels = is_bytes ? Pixels({count, 3, 4, 1}, bytes)
                         : Pixels({count, 3, 4, 1}, std::vector<float>(bytes.begin(), bytes.end()), 255);
  return data;
}

// The images with one pixel changed by the least there is.
Dataset with_pixel_changed(const Dataset& data, int64_t image) {
  std::vector<uint8_t> bytes;
  std::vector<float> values(12), all;
  for (int64_t i = 0; i < data.size(); ++i) {
    if (data.pixels.is_bytes()) {
      bytes.insert(bytes.end(), data.pixels.bytes(i).begin(), data.pixels.bytes(i).end());
    } else {
      data.pixels.read(i, values.data());
      all.insert(all.end(), values.begin(), values.end());
    }
  }
  const auto at = static_cast<size_t>(12 * image + 7);
  Dataset changed = data;
  if (data.pixels.is_bytes()) {
    bytes[at] ^= 1;
    changed.pixels = Pixels(data.pixels.shape(), std::move(bytes));
  } else {
    all[at] = std::nextafter(all[at], 2.F);
    changed.pixels = Pixels(data.pixels.shape(), std::move(all), 1);
  }
  return changed;
}

Experiment experiment_of(Dataset data, const std::string& split = "kfold:2") {
  Options options;
  options.split = split;
  options.network = "dense 3, relu";
  options.training.epochs = 3;
  options.training.batch_size = 100;
  return prepare(std::move(data), options);
}

// A run that stopped in its second fold.
void stop_in_second_fold(const Experiment& experiment, const fs::path& folder) {
  ThreadTeam team(1);
  Trainer first = trainer_for(experiment, 0, team);
  first.run();
  std::vector<FoldResult> done;
  done.push_back(result_of(experiment, 0, std::move(first), team));
  Trainer second = trainer_for(experiment, 1, team);
  second.run(2);
  RunFolder run(experiment, make_run_folder(folder.string(), ""));
  run.begin();
  run.save(done, second);
}

std::string refusal(const Experiment& experiment, const fs::path& folder) {
  return message_of([&] { RunFolder(experiment, RunLock(folder, "")).resume(); });
}

TEST(RunFolder, NoticesAnyChangeOfTheData) {
  for (const bool is_bytes : {true, false}) {
    const ScratchFolder folder;
    const Dataset data = images(is_bytes);
    stop_in_second_fold(experiment_of(data), folder.path());
    EXPECT_EQ(refusal(experiment_of(data), folder.path()), "no error");
    for (const int64_t image : {0, 1, 299, 599}) {
      EXPECT_NE(refusal(experiment_of(with_pixel_changed(data, image)), folder.path()).find("other data"),
                std::string::npos)
          << image;
    }
    Dataset heavier = data;
    heavier.example_weights[5] = std::nextafter(1.F, 2.F);  // 1.000000 in six digits
    EXPECT_NE(refusal(experiment_of(heavier), folder.path()).find("other data"), std::string::npos);
    Dataset targeted = data;
    targeted.targets = std::make_shared<StoredTargets>(Shape{1, 1, 1}, std::vector<float>(600, 0));
    EXPECT_NE(refusal(experiment_of(targeted), folder.path()).find("other data"), std::string::npos);
    Dataset grouped = data;
    grouped.groups.assign(600, 0);
    grouped.group_names = {"h"};
    EXPECT_NE(refusal(experiment_of(grouped), folder.path()).find("other data"), std::string::npos);
  }
}

// Each is written with the checksum it should have.
TEST(RunFolder, RefusesACheckpointThatTellsWhatCannotBe) {
  const ScratchFolder folder;
  const Experiment experiment = experiment_of(images(true));
  stop_in_second_fold(experiment, folder.path());
  const fs::path file = folder.path() / "checkpoint.safetensors";
  const Safetensors good = read_safetensors(read_file(file), "good");
  const auto with = [&](const std::function<void(Safetensors&)>& change) {
    Safetensors forged = good;
    forged.metadata.erase("checksum");
    change(forged);
    write_file_atomically(file, write_safetensors(forged));
    return refusal(experiment, folder.path());
  };
  EXPECT_EQ(with([](Safetensors&) {}), "no error");
  for (const auto& [key, text, mention] : {std::tuple("fold.0.kept", "99999", "fold.0.kept"),
                                           {"fold.0.kept", "0", "fold.0.kept"},
                                           {"fold.0.kept", "-5", "fold.0.kept"},
                                           {"fold.0.kept", "two", "fold.0.kept"},
                                           {"fold.0.kept", "4", "fold.0.kept"},
                                           {"fold.0.ending", "won", "fold.0.ending"},
                                           {"fold.0", "[]", "fold.0.kept"},
                                           {"fold.0", "{\"a\":", "cannot be read"},
                                           {"folds", "2", "fold.1"},
                                           {"folds", "3", "folds"},
                                           {"folds", "-1", "folds"},
                                           {"folds", "x", "folds"},
                                           {"format", "mudra checkpoint 3", "version of mudra"}}) {
    const std::string message = with([&](Safetensors& forged) { forged.metadata[key] = text; });
    EXPECT_NE(message.find(mention), std::string::npos) << key << " " << text << ": " << message;
    EXPECT_NE(message.find("to train from the start"), std::string::npos) << message;
  }
  const auto longer = [&](const std::string& text) {  // the last epoch once more
    auto history = nlohmann::json::parse(text);
    while (history.size() < 4) history.push_back(history.back());
    return history;
  };
  EXPECT_NE(with([&](Safetensors& forged) {
              forged.metadata["fold.0"] = longer(forged.metadata["fold.0"]).dump();
            }).find("epochs"),
            std::string::npos);
  EXPECT_NE(with([&](Safetensors& forged) {
              auto training = nlohmann::json::parse(forged.metadata["training"]);
              training["history"] = longer(training["history"].dump());
              forged.metadata["training"] = training.dump();
            }).find("epochs"),
            std::string::npos);
  const auto array = [](Safetensors& forged) -> NamedArray& {
    for (NamedArray& each : forged.arrays) {
      if (each.name == "fold.0") return each;
    }
    return forged.arrays.at(0);
  };
  for (const float label : {2.F, -1.F, 0.5F, 3e9F, NAN, INFINITY}) {
    const std::string message = with([&](Safetensors& forged) { array(forged).values[7] = label; });
    EXPECT_NE(message.find("classes"), std::string::npos) << label << ": " << message;
  }
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{3, 299}, {2, 300}, {900}, {3, 0}}) {
    const std::string message = with([&](Safetensors& forged) {
      array(forged).shape = shape;
      size_t count = 1;
      for (const int64_t size : shape) count *= static_cast<size_t>(size);
      array(forged).values.resize(count);
    });
    EXPECT_NE(message.find("answers of fold.0"), std::string::npos) << message;
  }
}

TEST(RunFolder, IsOfOneProcess) {
  const ScratchFolder folder;
  {
    const RunLock lock = make_run_folder(folder.path().string(), "");
    const std::string message = message_of([&] { make_run_folder(folder.path().string(), ""); });
    EXPECT_NE(message.find("going on here, of process " + std::to_string(getpid())), std::string::npos)
        << message;
    EXPECT_NE(message.find("--out"), std::string::npos) << message;
    EXPECT_NE(message_of([&] { RunLock(folder.path(), ""); }).find("Wait for it or stop it."),
              std::string::npos);
  }
  EXPECT_TRUE(fs::is_empty(folder.path())) << "a run that is over leaves no lock";
}

TEST(RunFolder, OfARunThatCouldNotEndCanBeGoneOnWith) {
  const ScratchFolder folder;
  const Experiment experiment = experiment_of(images(true), "0.8");
  ThreadTeam team(1);
  const ExperimentResult result = *run_experiment(experiment, team);
  const auto end = [&](RunLock lock, bool is_good) {
    RunFolder run(experiment, std::move(lock));
    run.begin();
    return message_of([&] {
      run.finish(result, "{}", [&] {
        if (!is_good) throw Error("no report", "disk", "Buy one");
      });
    });
  };
  const std::string out = folder.path().string();
  const std::string message = end(make_run_folder(out, ""), false);
  EXPECT_NE(message.find("the model is there"), std::string::npos) << message;
  EXPECT_NE(message.find("--resume"), std::string::npos) << message;
  EXPECT_NE(message_of([&] { make_run_folder(out, ""); }).find("--resume"), std::string::npos);
  RunLock lock(folder.path(), "");
  EXPECT_FALSE(lock.is_of_run_that_is_over());
  EXPECT_EQ(end(std::move(lock), true), "no error");
  EXPECT_TRUE(RunLock(folder.path(), "").is_of_run_that_is_over());
  EXPECT_NE(message_of([&] { make_run_folder(out, ""); }).find("already holds a model"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder.path() / "mudra.lock"));
  // As when another process ended this run and removed its file just before the new one was made.
  std::ofstream(folder.path() / "mudra.lock").close();
  EXPECT_TRUE(RunLock(folder.path(), "").is_of_run_that_is_over());
  EXPECT_FALSE(fs::exists(folder.path() / "mudra.lock"));
}

TEST(RunFolder, KeepsFilesOfOtherPeople) {
  const ScratchFolder folder;
  const Experiment experiment = experiment_of(images(true), "0.8");
  ThreadTeam team(1);
  const ExperimentResult result = *run_experiment(experiment, team);
  const std::string theirs[] = {"checkpoint.safetensors.backup", "checkpoint.safetensors.bak",
                                "checkpoint.safetensors-old", "checkpoint.safetensors.mudra-notes"};
  for (const std::string& name : theirs) write_file_atomically(folder.path() / name, "theirs");
  write_file_atomically(folder.path() / "checkpoint.safetensors.mudra-a1b2c3", "left by one that was killed");
  RunFolder(experiment, make_run_folder(folder.path().string(), "")).finish(result, "{}", [] {});
  for (const std::string& name : theirs) EXPECT_EQ(read_file(folder.path() / name), "theirs") << name;
  EXPECT_FALSE(fs::exists(folder.path() / "checkpoint.safetensors.mudra-a1b2c3"));
}

}  // namespace
}  // namespace mudra
