#include "mudra/report/record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "mudra/report/summary.h"
#include "tests/evaluation/answers.h"

namespace mudra {
namespace {

// 120 images of two classes, by so many hands; 0: whose they are is not known.
Experiment experiment_of(int hands, const std::string& split, double validation = 0) {
  Dataset data;
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 120; ++i) {
    data.labels.push_back(i % 2);
    if (hands > 0) data.groups.push_back(i / 2 % hands);
    bytes.insert(bytes.end(), 4, static_cast<uint8_t>(i));
  }
  data.pixels = Pixels({120, 2, 2, 1}, std::move(bytes));
  data.classes = {"a", "b"};
  for (int hand = 0; hand < hands; ++hand) data.group_names.push_back("hand" + std::to_string(hand));
  Options options;
  options.split = split;
  options.validation = validation;
  options.network = "dense 2";
  options.training.epochs = 2;
  return prepare(std::move(data), options);
}

TEST(Record, advises_the_split_that_fits_what_is_known_of_hands) {
  const std::vector<int32_t> labels{0, 1, 0, 1};
  ExperimentResult result;
  result.test = evaluate(labels, sure_answers(labels, 2), std::vector<std::string>{"a", "b"});
  const auto advice = [&](int hands, const std::string& split) {
    const std::string text = warnings_of(experiment_of(hands, split), result, 7).at(0);
    EXPECT_TRUE(text.starts_with("7 of the ")) << text;
    return text.substr(text.find("hand. ") + 6);
  };
  EXPECT_EQ(advice(0, "0.8"),
            "Splitting by hand tells more: `--split leave-one-group-out --groups FILE`, or from ten hands on "
            "`--split "
            "group --groups FILE`.");
  EXPECT_EQ(advice(5, "0.8"), "Splitting by hand tells more: `--split leave-one-group-out`.");
  EXPECT_EQ(advice(12, "0.8"), "Splitting by hand tells more: `--split group`.");
  EXPECT_EQ(advice(5, "leave-one-group-out"),
            "Hands may be alike, or one have two names: `mudra data leaks` shows the pairs.");
}

TEST(Record, says_what_the_saved_model_learned_from) {
  EXPECT_EQ(saved_model_text(experiment_of(0, "0.8")),
            "learned from 96 pictures; the 24 held out are not among them");
  EXPECT_EQ(saved_model_text(experiment_of(0, "0.8", 0.25)),
            "learned from 72 pictures, 24 pictures more chose its epoch; the 24 held out are not among them");
  EXPECT_EQ(
      saved_model_text(experiment_of(0, "kfold:3")),
      "learned from 120 pictures; those held out are among them: the accuracy is that of networks trained "
      "without them");
}

TEST(Record, tells_of_new_hands_only_if_no_hand_trained) {
  ThreadTeam team(1);
  const auto result = [&](const std::string& split) {
    return *run_experiment(experiment_of(5, split), team);
  };
  const ExperimentResult left_out = result("leave-one-group-out");
  EXPECT_EQ(left_out.test.new_group.value().interval.independent, 5);
  EXPECT_FALSE(result("kfold:3").test.new_group.has_value());
  EXPECT_FALSE(result("0.8").test.new_group.has_value());

  const Experiment by_hand = experiment_of(5, "leave-one-group-out");
  const RunRecord record = make_record(by_hand, left_out, "run", 1, 0);
  for (const std::string& text : summarize(record).sure)
    EXPECT_EQ(text.find("speaks for new"), std::string::npos);
}

TEST(Record, shows_the_training_it_names) {
  ThreadTeam team(1);
  const Experiment experiment = experiment_of(5, "leave-one-group-out");
  const ExperimentResult result = *run_experiment(experiment, team);
  const RunRecord record = make_record(experiment, result, "run", 1, 0);
  EXPECT_EQ(record.shown_training, "hand4");
  EXPECT_EQ(record.history.back().loss_held_out, result.trainings[4].history.back().loss_held_out);
  EXPECT_NE(record.history.back().loss_held_out, result.trainings[0].history.back().loss_held_out);
}

TEST(Record, holds_the_first_suspects_by_their_place_in_the_test) {
  ThreadTeam team(1);
  const Experiment experiment = experiment_of(5, "leave-one-group-out");
  ExperimentResult result = *run_experiment(experiment, team);
  ASSERT_TRUE(result.labels.has_value());
  result.labels->suspects.clear();
  for (Row row = 0; row < 30; ++row) result.labels->suspects.push_back({3 * row, 0, 0.9});
  const RunRecord record = make_record(experiment, result, "run", 1, 0);
  EXPECT_EQ(record.labels.count, 30);
  ASSERT_EQ(record.labels.first.size(), most_listed_suspects);
  for (size_t i = 0; i < most_listed_suspects; ++i)
    EXPECT_EQ(record.test.source_row(record.labels.first[i].row), 3 * i);
  EXPECT_FALSE(run_experiment(experiment_of(5, "0.8"), team)->labels.has_value());
  Experiment of_photographs = experiment;
  for (int32_t row = 0; row < 120; ++row) of_photographs.data.photographs.push_back(row / 30);
  const RunRecord few = make_record(of_photographs, result, "run", 1, 0);
  ASSERT_EQ(few.labels.first.size(), 3U);  // rows 0, 30 and 60 are of three photographs
  EXPECT_EQ(few.test.source_row(few.labels.first[2].row), 60);
}

TEST(Record, tells_what_the_trainings_warned_of_once) {
  ThreadTeam team(1);
  const Experiment experiment = experiment_of(5, "leave-one-group-out");
  ExperimentResult result = *run_experiment(experiment, team);
  for (FoldResult& each : result.trainings) each.warnings.clear();
  EXPECT_TRUE(training_warnings(experiment, result).empty());
  for (const size_t i : {1, 3})
    result.trainings[i].warnings = {{TrainingTrouble::collapse, 4, "all the same."}};
  EXPECT_EQ(training_warnings(experiment, result),
            std::vector<std::string>{"Training (hand1), epoch 4: all the same. So it was in 2 trainings."});
  const RunRecord record = make_record(experiment, result, "run", 1, 0);
  EXPECT_NE(std::ranges::find(record.warnings, training_warnings(experiment, result)[0]),
            record.warnings.end());
}

}  // namespace
}  // namespace mudra
