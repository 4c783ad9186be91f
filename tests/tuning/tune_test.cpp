// A search as a whole: honest, the same for the same seed, and gone on with as if nothing had happened.
#include "mudra/tuning/tune.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "../message.h"
#include "mudra/synth/render_hands.h"
#include "mudra/tuning/train_trial.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

Dataset hands_of(int64_t count, uint64_t seed) {
  ThreadTeam team(1);
  return render_hands({.count = count, .size = 16, .seed = seed}, team);
}

// Rendered hands that pass for photographs of five people.
Dataset people() {
  Dataset data = hands_of(100, 3);
  data.source = "photographs";
  data.group_names = {"ann", "bo", "cy", "di", "ed"};
  return data;
}

Options small_options(const std::string& split) {
  Options options;
  options.split = split;
  options.training.epochs = 9;
  options.training.batch_size = 16;
  options.run.threads = 1;
  return options;
}

class Tuned : public testing::Test {
 protected:
  Tuned() : folder_(fs::temp_directory_path() / ("mudra-tune-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    space_ = folder_ / "space.toml";
    FILE* file = std::fopen(space_.c_str(), "w");
    std::fputs(
        "[network]\nchoices = [\"dense {width}, relu\"]\n[width]\nlow = 4\nhigh = 16\n"
        "[learning-rate]\nlow = 0.001\nhigh = 0.3\nlog = true\n[ema]\nchoices = [0, 0.9]\n",
        file);
    std::fclose(file);
  }
  ~Tuned() override { fs::remove_all(folder_); }

  Tuning prepared(const Dataset& data, const std::string& split, int trials = 12, uint64_t seed = 1,
                  std::vector<Extra> extra = {}) const {
    Options options = small_options(split);
    options.seed = seed;
    TuneOptions choices;
    choices.space = space_.string();
    choices.trials = trials;
    return prepare_tuning(data, options, choices, {}, std::move(extra));
  }

  nlohmann::json searched(const Tuning& tuning, const std::string& name) const {
    nlohmann::json document = to_json(tuning, run_tuning(tuning, folder_ / name));
    document.erase("seconds");
    for (auto* list : {&document["trials"], &document["folds"]}) {
      for (auto& each : *list) {
        each.erase("seconds");
        for (auto& trial : each.contains("trials")       ? each["trials"]
                           : list == &document["trials"] ? *list
                                                         : each) {
          if (!trial.is_object()) continue;
          trial.erase("seconds");
          if (trial.contains("rungs"))
            for (auto& rung : trial["rungs"]) rung.erase("seconds");
        }
      }
    }
    return document;
  }

  fs::path folder_, space_;
};

TEST_F(Tuned, TheTestPartChoosesNothing) {
  const Dataset data = people();
  const Tuning tuning = prepared(data, "group");
  Dataset changed = data;
  std::set<Row> tested(tuning.split.folds[0].test.begin(), tuning.split.folds[0].test.end());
  const auto pixels_each = static_cast<size_t>(data.pixels.shape().per_example());
  std::vector<uint8_t> bytes;
  for (Row row = 0; row < data.size(); ++row) {
    const auto image = data.pixels.bytes(row);
    for (size_t i = 0; i < pixels_each; ++i) bytes.push_back(tested.contains(row) ? uint8_t{7} : image[i]);
  }
  changed.pixels = Pixels(data.pixels.shape(), std::move(bytes));
  const nlohmann::json one = searched(tuning, "one"), two = searched(prepared(changed, "group"), "two");
  EXPECT_EQ(one, two);
  EXPECT_FALSE(one["best"]["score"].is_null());
}

TEST_F(Tuned, NoHandIsOnBothSidesOfAnInnerFoldNorInTheOuterTest) {
  const Dataset data = people();
  const Tuning tuning = prepared(data, "leave-one-group-out");
  ASSERT_EQ(tuning.searches.size(), 6U);  // five folds, then all images
  EXPECT_EQ(tuning.inner, "group-kfold:3");
  for (size_t s = 0; s < tuning.searches.size(); ++s) {
    std::set<Row> held_out;
    for (const Fold& fold : tuning.searches[s].folds) {
      std::set<int32_t> trained;
      for (const Row row : fold.train) trained.insert(data.groups[row]);
      for (const Row row : fold.test) {
        EXPECT_FALSE(trained.contains(data.groups[row]));
        held_out.insert(row);
      }
      if (s + 1 == tuning.searches.size()) continue;
      for (const Row row : tuning.split.folds[s].test) {
        EXPECT_FALSE(trained.contains(data.groups[row])) << "the outer test trains";
        EXPECT_EQ(std::ranges::count(fold.test, row), 0) << "the outer test chooses";
      }
    }
    const size_t training = s + 1 == tuning.searches.size() ? 100 : tuning.split.folds[s].train.size();
    EXPECT_EQ(held_out.size(), training);
  }
}

TEST_F(Tuned, ExtraImagesOfTheOuterTestTrainInNoTrial) {
  const Dataset data = people();
  Dataset more = hands_of(50, 9);
  more.source = "more";
  more.group_names = data.group_names;
  Extra extra;
  extra.data = more;
  const Tuning tuning = prepared(data, "leave-one-group-out", 3, 1, {extra});
  for (size_t s = 0; s + 1 < tuning.searches.size(); ++s) {
    const int32_t tested = data.groups[tuning.split.folds[s].test[0]];
    int64_t added = 0;
    for (const Fold& fold : tuning.searches[s].folds) {
      EXPECT_TRUE(fold.validation.empty());
      for (const Row row : fold.train) {
        if (row < data.size()) continue;
        ++added;
        EXPECT_NE(more.groups[static_cast<size_t>(row - data.size())], tested);
      }
    }
    EXPECT_GT(added, 0);
  }
}

TEST_F(Tuned, ATrialThatGoesOnHasTheBitsOfOneThatWasNeverHalted) {
  const Tuning tuning = prepared(people(), "group");
  const Search& search = tuning.searches[0];
  const Draw draw = {{"network", 0}, {"width", 9}, {"learning-rate", 0.01}, {"ema", 1}};
  const TrialResult whole = train_trial(tuning, search, draw, 9, {}, 1, {});
  const TrialResult part = train_trial(tuning, search, draw, 3, {}, 1, {});
  const TrialResult rest = train_trial(tuning, search, draw, 9, part.weights, 2, {});
  const TrialResult repaired =
      train_trial(tuning, search, draw, 9, {"damaged", part.weights[1], "damaged"}, 1, {});
  EXPECT_EQ(repaired.ending, Ending::finished);
  EXPECT_EQ(repaired.score.loss, whole.score.loss);
  EXPECT_EQ(part.score.epochs, 3);
  EXPECT_EQ(rest.score.epochs, 9);
  EXPECT_EQ(whole.score.score, rest.score.score);
  EXPECT_EQ(whole.score.loss, rest.score.loss);
}

TEST_F(Tuned, TheScoreIsTheMeanAccuracyOverInnerFolds) {
  const Tuning tuning = prepared(people(), "group");
  const Search& search = tuning.searches[0];
  const Draw draw = {{"network", 0}, {"width", 9}, {"learning-rate", 0.01}, {"ema", 0}};
  double sum = 0, losses = 0;
  for (const Fold& fold : search.folds) {
    // As `mudra train` trains on a fold.
    const Options options = tuning.space.applied(tuning.options, draw);
    Network network = network_for(options, tuning.data);
    network.initialize(options.init, options.seed);
    ThreadTeam team(1);
    Trainer trainer(network, tuning.data, fold, options.training, options.seed, team);
    trainer.run();
    sum += trainer.history().back().accuracy_held_out;
    losses += trainer.history().back().loss_held_out;
  }
  const RungScore score = train_trial(tuning, search, draw, 9, {}, 1, {}).score;
  EXPECT_NEAR(score.score, sum / 3, 1e-15);
  EXPECT_NEAR(score.loss, losses / 3, 1e-14);
  EXPECT_GT(score.seconds, 0);
}

TEST_F(Tuned, TrialsAreTheSameForTheSameSeedAndAnyThreads) {
  Tuning tuning = prepared(people(), "group");
  const nlohmann::json one = searched(tuning, "one");
  tuning.options.run.threads = 2;
  EXPECT_EQ(one, searched(tuning, "two"));
  EXPECT_NE(one, searched(prepared(people(), "group", 12, 2), "other"));
}

TEST_F(Tuned, StoppedAnywhereItGoesOnWithTheSameTrials) {
  const Tuning tuning = prepared(people(), "group");
  const nlohmann::json whole = searched(tuning, "whole");
  for (const int after : {1, 4, 11}) {
    const std::string name = "stopped-" + std::to_string(after);
    std::stop_source stop;
    int steps = 0;
    TuneEvents events;
    events.stop = stop.get_token();
    events.step = [&](const Tuning&, const Search&, const std::vector<Trial>&, int) {
      if (++steps == after) stop.request_stop();
    };
    EXPECT_NE(message_of([&] { run_tuning(tuning, folder_ / name, events); }).find("nothing is lost"),
              std::string::npos);
    EXPECT_EQ(searched(tuning, name), whole) << after;
  }
}

TEST_F(Tuned, TrialsThatCannotBeOfTheSearchAreRefused) {
  const Tuning tuning = prepared(people(), "group", 3);  // rungs of 1, 3 and 9 epochs
  const char* damages[] = {
      "UPDATE trial SET draw = '{}' WHERE number = 1",
      "UPDATE trial SET draw = replace(draw, '\"ema\":', '\"ema\":7') WHERE number = 1",
      "UPDATE trial SET state = 'waiting' WHERE state = 'complete'",
      "UPDATE trial SET state = 'complete' WHERE state = 'waiting'",
      "UPDATE rung SET epochs = 2 WHERE trial = 1 AND rung = 0",
      "UPDATE rung SET score = 1.5 WHERE trial = 1",
      "UPDATE rung SET score = -9e999 WHERE trial = 1",
      "INSERT INTO rung VALUES(0, 1, 8, 9, 0.5, 0.5, 1, 99)",
  };
  run_tuning(tuning, folder_ / "whole");
  for (const char* damage : damages) {
    const fs::path file = folder_ / "damaged";
    fs::copy_file(folder_ / "whole", file, fs::copy_options::overwrite_existing);
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, damage, nullptr, nullptr, nullptr), SQLITE_OK) << damage;
    EXPECT_GT(sqlite3_changes(database), 0) << damage;
    sqlite3_close(database);
    const std::string message = message_of([&] { run_tuning(tuning, file); });
    EXPECT_NE(message.find("cannot be of this search"), std::string::npos) << damage << "\n" << message;
    std::stop_source stop;  // nothing is begun, and what is read in the end is not believed either
    stop.request_stop();
    const std::string in_the_end =
        message_of([&] { run_tuning(tuning, file, {.step = {}, .stop = stop.get_token()}); });
    EXPECT_NE(in_the_end.find("cannot be of this search"), std::string::npos) << damage << "\n" << in_the_end;
  }
}

TEST_F(Tuned, OnlyTheSameImagesAndLabelsAreGoneOnWith) {
  const Dataset data = people();
  run_tuning(prepared(data, "group", 1), folder_ / "same");
  Dataset other = data;
  other.labels[0] = (other.labels[0] + 1) % 2;
  EXPECT_NE(
      message_of([&] { run_tuning(prepared(other, "group", 1), folder_ / "same"); }).find("differs in data"),
      std::string::npos);
  other = data;
  std::vector<uint8_t> bytes;
  for (Row row = 0; row < data.size(); ++row) {
    const auto image = data.pixels.bytes(row);
    bytes.insert(bytes.end(), image.begin(), image.end());
  }
  bytes.back() ^= 1;
  other.pixels = Pixels(data.pixels.shape(), std::move(bytes));
  EXPECT_NE(
      message_of([&] { run_tuning(prepared(other, "group", 1), folder_ / "same"); }).find("differs in data."),
      std::string::npos);
}

TEST_F(Tuned, TheEstimatorIsToldOfAllTrialsTheBestFirst) {
  const Tuning tuning = prepared(people(), "group");
  const TuningResult found = run_tuning(tuning, folder_ / "told");
  std::vector<Draw> draws;
  std::vector<Trial> before(found.last().trials.begin(), found.last().trials.begin() + 10);
  // Trial 11 is the first that is estimated. What came before it is told by the places.
  const int place = found.last().trials[10].rungs.front().order;
  for (Trial& trial : before) {
    std::erase_if(trial.rungs, [&](const RungScore& rung) { return rung.order > place; });
    trial.state = TrialState::waiting;
  }
  for (const Trial* trial : ranked(before)) draws.push_back(trial->draw);
  EXPECT_EQ(found.last().trials[10].draw, draw_trial(tuning.space, SamplerKind::tpe, draws, 1, 11));
}

TEST_F(Tuned, TrialsAreATotal) {
  const Tuning tuning = prepared(people(), "group", 4);
  EXPECT_EQ(searched(tuning, "total")["trials"].size(), 4U);
  EXPECT_EQ(searched(tuning, "total")["trials"].size(), 4U);
  EXPECT_EQ(searched(prepared(people(), "group", 6), "total")["trials"].size(), 6U);
}

TEST_F(Tuned, TheBestAreTestedOnceOnTheirOuterFold) {
  const Dataset data = people();
  const Tuning tuning = prepared(data, "leave-one-group-out", 4);
  const TuningResult result = run_tuning(tuning, folder_ / "nested");
  const auto tested = refit(tuning, result);
  EXPECT_EQ(tested->result.test.n, 100);
  // Every fold is that of an experiment with the options its own search found.
  for (size_t fold = 0; fold < 5; ++fold) {
    const Experiment alone = prepare(data, best_options(tuning, result.searches[fold]), tuning.split);
    ThreadTeam team(1);
    Trainer trainer = trainer_for(alone, fold, team);
    trainer.run();
    EXPECT_EQ(trainer.history().back().accuracy_held_out,
              tested->result.trainings[fold].history.back().accuracy_held_out);
  }
}

TEST_F(Tuned, OnlyWhenAllTrainingsDivergedItIsSaid) {
  const Tuning tuning = prepared(people(), "group");
  SearchResult search;
  search.trials.resize(2);
  search.trials[0].state = TrialState::failed;
  EXPECT_NE(message_of([&] { best_options(tuning, search); }).find("no trial came to its first score"),
            std::string::npos);
  search.trials[1].state = TrialState::failed;
  EXPECT_NE(message_of([&] { best_options(tuning, search); }).find("every training diverged"),
            std::string::npos);
}

TEST_F(Tuned, ADivergedTrialFailsAndTheSearchGoesOn) {
  FILE* file = std::fopen(space_.c_str(), "w");
  std::fputs("[learning-rate]\nchoices = [0.01, 1000000000.0]\n[optimizer]\nchoices = [\"sgd\"]\n", file);
  std::fclose(file);
  const nlohmann::json found = searched(prepared(people(), "group", 10), "diverged");
  std::set<std::string> states;
  for (const auto& trial : found["trials"]) {
    states.insert(trial["state"]);
    const bool has_failed = trial["state"] == "failed";
    EXPECT_EQ(has_failed, trial["options"]["learning-rate"] == 1e9);
    EXPECT_EQ(has_failed, trial.contains("problem"));
  }
  EXPECT_TRUE(states.contains("failed") && states.contains("complete"));
  EXPECT_EQ(found["best"]["options"]["learning-rate"], 0.01);
}

TEST(Duration, IsReadInSecondsMinutesAndHours) {
  EXPECT_EQ(parse_duration("90", "--time"), 90);
  EXPECT_EQ(parse_duration("1.5s", "--time"), 1.5);
  EXPECT_EQ(parse_duration("10m", "--time"), 600);
  EXPECT_EQ(parse_duration("2h", "--time"), 7200);
  for (const char* wrong : {"", "m", "-1s", "0", "10 m", "1d", "nan", "1e99h", "99999999s", "5mm"}) {
    EXPECT_NE(message_of([&] { parse_duration(wrong, "--time"); }).find("--time: "), std::string::npos)
        << wrong;
  }
}

}  // namespace
}  // namespace mudra
