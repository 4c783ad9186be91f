// The check of labels as values: who answers for whom, and what that finds.
#include "mudra/experiment/check_labels.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "mudra/core/rng.h"
#include "mudra/experiment/choices.h"

namespace mudra {
namespace {

// Three classes told apart by where it is bright, shown by four hands; `wrong` images carry another's label.
Dataset four_hands(const std::set<Row>& wrong) {
  Rng rng(8, Purpose::test);
  Dataset data;
  std::vector<uint8_t> bytes;
  for (Row i = 0; i < 240; ++i) {
    const auto truth = static_cast<int32_t>(i % 3);
    data.labels.push_back(wrong.contains(i) ? (truth + 1) % 3 : truth);
    data.groups.push_back(static_cast<int32_t>(i / 3 % 4));
    for (int p = 0; p < 56; ++p) bytes.push_back(static_cast<uint8_t>(rng.below(p % 3 == truth ? 256 : 140)));
  }
  data.source = "hands";
  data.pixels = Pixels({240, 7, 8, 1}, std::move(bytes));
  data.classes = {"a", "b", "c"};
  data.group_names = {"h0", "h1", "h2", "h3"};
  return data;
}

Options check_options(const std::string& split) {
  Options options;
  set_option(options, "split", split);
  options.network = "dense 20, relu";
  options.training.epochs = 20;
  options.training.learning_rate = 0.01;
  return options;
}

LabelCheck check_of(Dataset data, const std::string& split) {
  ThreadTeam team(1);
  return *check_labels(prepare_check({std::move(data), "", false, {}}, check_options(split)), team);
}

std::set<Row> suspect_rows(const LabelCheck& check) {
  std::set<Row> rows;
  for (const LabelSuspect& suspect : check.errors.suspects) rows.insert(suspect.row);
  return rows;
}

TEST(CheckLabels, FindsWhatIsWrongAndSaysWhatIsRight) {
  const std::set<Row> wrong{7, 60, 61, 133, 200, 239};
  const LabelCheck found = check_of(four_hands(wrong), "leave-one-group-out");
  EXPECT_EQ(suspect_rows(found), wrong);
  for (const LabelSuspect& suspect : found.errors.suspects)
    EXPECT_EQ(suspect.suggestion, static_cast<int32_t>(suspect.row % 3));
  EXPECT_TRUE(found.warnings.empty()) << found.warnings[0];
  EXPECT_EQ(found.experiment.trainings(), 4U);  // and none on all images
  const nlohmann::json json = to_json(found.experiment.data, found.errors.suspects);
  EXPECT_EQ(json[0].size(), 6U);
  EXPECT_TRUE(json[0]["file"].is_null());
  const Row first = json[0]["row"];
  EXPECT_EQ(json[0]["group"], "h" + std::to_string(first / 3 % 4));
  EXPECT_EQ(json[0]["suggestion"], std::string(1, static_cast<char>('a' + first % 3)));
}

TEST(CheckLabels, SaysWhatMayStayHidden) {
  const auto warning = [](Dataset data, const std::string& split) {
    const std::vector<std::string> warnings = check_of(std::move(data), split).warnings;
    return warnings.empty() ? "" : warnings[0];
  };
  EXPECT_NE(warning(four_hands({}), "stratified-kfold:3").find("of one hand"), std::string::npos);
  Dataset photographs = four_hands({});
  for (Row i = 0; i < 240; ++i) photographs.photographs.push_back(static_cast<int32_t>(i / 2));
  EXPECT_NE(warning(photographs, "stratified-kfold:3").find("copy of their photograph"), std::string::npos);
  photographs.groups.clear(), photographs.group_names.clear();
  EXPECT_EQ(warning(photographs, "group-kfold:3"), "");  // by photograph
  Dataset unknown = four_hands({});
  unknown.groups.clear(), unknown.group_names.clear();
  EXPECT_NE(warning(unknown, "stratified-kfold:3").find("--groups"), std::string::npos);
  EXPECT_NE(warning(four_hands({}), "group:0.75").find("60 of the 240"), std::string::npos);
}

TEST(CheckLabels, GoesOnWhereAFoldLacksAClass) {
  Dataset data = four_hands({});
  data.classes.emplace_back("d");
  for (const Row row : {0, 3, 12, 24, 36, 48, 60}) data.labels[row] = 3;  // of hand 0 but for one
  ASSERT_EQ(data.groups[3], 1);
  data.groups[3] = 0;
  const LabelCheck found = check_of(std::move(data), "leave-one-group-out");
  EXPECT_EQ(found.errors.judged, 233);
  EXPECT_TRUE(suspect_rows(found).empty());
  ASSERT_FALSE(found.warnings.empty());
  EXPECT_NE(found.warnings[0].find("Class d "), std::string::npos) << found.warnings[0];
}

TEST(CheckLabels, ChoosesFoldsByWhatIsKnown) {
  ThreadTeam team(1);
  Options options;
  set_option(options, "data", "synth:260");  // thirteen people
  load_to_check(options, team);
  EXPECT_EQ(options.split, "group-kfold:5");
  Options fewer;
  set_option(fewer, "data", "synth:100");
  load_to_check(fewer, team);
  EXPECT_EQ(fewer.split, "leave-one-group-out");
  Options given;
  set_option(given, "data", "synth:100");
  set_option(given, "split", "kfold:2");
  set_option(given, "network", "dense 3");
  const LoadedData loaded = load_to_check(given, team);
  EXPECT_EQ(given.split, "kfold:2");
  EXPECT_EQ(given.network, "dense 3");
  EXPECT_TRUE(loaded.chosen.empty());
}

}  // namespace
}  // namespace mudra
