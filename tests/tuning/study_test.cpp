// The file of a search: what is written is there again, for this process or another, and nothing else is
// believed.
#include "mudra/tuning/study.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "../message.h"

namespace mudra {
namespace {

namespace fs = std::filesystem;

class StudyFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("mudra-study-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path file() const { return folder_ / "tune.sqlite"; }

  void change(const char* sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }

 private:
  fs::path folder_;
};

const std::map<std::string, std::string> plan = {{"data", "123"}, {"options", "seed = 1"}};

std::optional<Work> take(Study& study, const std::optional<NextStep>& step, int search = 0) {
  return study.take(
      search, [&](std::span<const Trial>) { return step; },
      [](std::span<const Trial>, int number) {
        return Draw{{"learning-rate", 0.1 * number}};
      });
}

const auto keep_all = [](std::span<const Trial>, const Trial&) { return true; };

TEST_F(StudyFile, HoldsWhatWasPut) {
  const RungScore score{3, 0.875, 0.25, 1.5, 1};
  {
    Study study(file(), plan);
    const auto work = take(study, NextStep{1, 0});
    EXPECT_EQ(work->trial.draw, (Draw{{"learning-rate", 0.1}}));
    EXPECT_TRUE(work->weights.empty());
    study.put(*work, score, false, {std::string("a\0b", 3), "c"}, keep_all);
    study.fail(*take(study, NextStep{2, 0}), "the loss is no number");
    take(study, NextStep{1, 0}, 1);  // of another search
  }
  Study study(file(), plan);
  const std::vector<Trial> trials = study.trials(0);
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].state, TrialState::waiting);
  ASSERT_EQ(trials[0].rungs.size(), 1U);
  EXPECT_EQ(trials[0].rungs[0].epochs, 3);
  EXPECT_EQ(trials[0].rungs[0].score, 0.875);
  EXPECT_EQ(trials[0].rungs[0].loss, 0.25);
  EXPECT_EQ(trials[0].rungs[0].seconds, 1.5);
  EXPECT_EQ(trials[0].rungs[0].order, 1);
  EXPECT_EQ(trials[1].state, TrialState::failed);
  EXPECT_EQ(trials[1].problem, "the loss is no number");
  EXPECT_EQ(trials[1].draw, (Draw{{"learning-rate", 0.2}}));
  EXPECT_EQ(study.trials(1).size(), 1U);
  const auto again = take(study, NextStep{1, 1});
  EXPECT_EQ(again->weights, (std::vector<std::string>{std::string("a\0b", 3), "c"}));
  EXPECT_EQ(again->trial.rungs.size(), 1U);
}

TEST_F(StudyFile, KeepsWeightsOnlyOfTheTrialsAskedFor) {
  Study study(file(), plan);
  const RungScore score{3, 0.5, 0.5, 1, 0};
  study.put(*take(study, NextStep{1, 0}), score, false, {"first"}, keep_all);
  study.put(*take(study, NextStep{2, 0}), score, false, {"second"},
            [](std::span<const Trial>, const Trial& trial) { return trial.number == 2; });
  EXPECT_TRUE(take(study, NextStep{1, 1})->weights.empty());
  EXPECT_EQ(take(study, NextStep{2, 1})->weights, std::vector<std::string>{"second"});
}

TEST_F(StudyFile, OfAnotherPlanIsNotGoneOnWith) {
  { const Study study(file(), plan); }
  const std::string message = message_of([&] {
    const Study study(file(), {{"data", "124"}, {"options", "seed = 1"}});
  });
  EXPECT_NE(message.find("holds another search: it differs in data."), std::string::npos) << message;
}

TEST_F(StudyFile, OfANewerVersionIsRefused) {
  { const Study study(file(), plan); }
  change("PRAGMA user_version = 2");
  const std::string message = message_of([&] { const Study study(file(), plan); });
  EXPECT_NE(message.find("has format 2, and this version of mudra reads 1"), std::string::npos) << message;
}

TEST_F(StudyFile, OfSomethingElseIsRefused) {
  change("CREATE TABLE birds(name TEXT)");
  EXPECT_NE(message_of([&] { const Study study(file(), plan); }).find("database of something else"),
            std::string::npos);
  std::ofstream(file()) << "no database at all, but long enough to look like one: " << std::string(200, 'x');
  EXPECT_NE(message_of([&] { const Study study(file(), plan); }).find("is no database"), std::string::npos);
}

TEST_F(StudyFile, ThatTellsWhatCannotBeIsRefused) {
  Study study(file(), plan);
  take(study, NextStep{1, 0});
  change("UPDATE trial SET draw = 'no JSON'");
  EXPECT_NE(message_of([&] { study.trials(0); }).find("trial 1 cannot be read"), std::string::npos);
  change("UPDATE trial SET draw = '{}', state = 'asleep'");
  EXPECT_NE(message_of([&] { study.trials(0); }).find("trial 1 cannot be read"), std::string::npos);
  change("UPDATE trial SET state = 'waiting', number = 7");
  EXPECT_NE(message_of([&] { study.trials(0); }).find("cannot be read"), std::string::npos);
  change("UPDATE trial SET number = 1");
  change("INSERT INTO rung VALUES(0, 2, 0, 1, 0.5, 0.5, 1, 1)");
  EXPECT_NE(message_of([&] { study.trials(0); }).find("a score is of no trial"), std::string::npos);
}

TEST_F(StudyFile, TakesBackWhatADeadProcessHadAndNotWhatALivingOneHas) {
  int ready[2], end[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(end), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Study study(file(), plan);
    take(study, NextStep{1, 0});
    char byte = 1;
    (void)!::write(ready[1], &byte, 1);
    (void)!::read(end[0], &byte, 1);  // until it is killed
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  Study study(file(), plan);
  take(study, std::nullopt);
  EXPECT_EQ(study.trials(0)[0].state, TrialState::running);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  take(study, std::nullopt);
  EXPECT_EQ(study.trials(0)[0].state, TrialState::waiting);
}

TEST_F(StudyFile, WhatIsOfNobodyIsTakenBack) {
  Study study(file(), plan);
  take(study, NextStep{1, 0});
  take(study, NextStep{2, 0});
  change("UPDATE trial SET worker = NULL WHERE number = 1");
  change("UPDATE trial SET worker = -7 WHERE number = 2");
  take(study, std::nullopt);
  for (const Trial& trial : study.trials(0)) EXPECT_EQ(trial.state, TrialState::waiting) << trial.number;
}

TEST_F(StudyFile, WhoTakesTheSamePlaceTakesBackWhatItsLastHolderHad) {
  const pid_t child = ::fork();
  if (child == 0) {
    Study study(file(), plan);
    take(study, NextStep{1, 0});
    ::_exit(0);  // as if killed: nothing is given back
  }
  ::waitpid(child, nullptr, 0);
  Study study(file(), plan);  // has the same place in the file of locks
  EXPECT_EQ(study.trials(0)[0].state, TrialState::waiting);
}

TEST_F(StudyFile, WhatFailsChangesNothing) {
  Study study(file(), plan);
  const auto work = take(study, NextStep{1, 0});
  EXPECT_THROW(study.put(*work, {}, false, {},
                         [](std::span<const Trial>, const Trial&) -> bool { throw Error("no"); }),
               Error);
  EXPECT_EQ(study.trials(0)[0].state, TrialState::running);
  EXPECT_TRUE(study.trials(0)[0].rungs.empty());
}

}  // namespace
}  // namespace mudra
