#include "mudra/experiment/predictions.h"

#include <gtest/gtest.h>

#include "mudra/core/atomic_file.h"
#include "tests/message.h"
#include "tests/reference.h"

namespace mudra {
namespace {

const std::vector<std::string> nasty = {"=1+1", "-5", "'x",  "'=y", "a,b",     "say \"hi\"", "two\nlines",
                                        "\r",   "",   " a ", "p_p", "\u202ew", "\x1b[2J",    "👋🏽"};

// 42 images of the nasty classes, with nasty files and groups, every third answer refused.
struct Case {
  Dataset data;
  std::vector<Row> rows;
  Answers answers;
};

Case make_case() {
  Case made;
  made.data.classes = made.data.group_names = nasty;
  made.data.pixels = Pixels({42, 1, 1, 1}, std::vector<uint8_t>(42));
  const auto classes = static_cast<int32_t>(nasty.size());
  made.answers.classes = classes;
  for (int32_t i = 0; i < 42; ++i) {
    made.data.labels.push_back(i % classes);
    made.data.groups.push_back((i * 5) % classes);
    made.data.photographs.push_back(1000 - i / 7);
    made.data.files.push_back(nasty[static_cast<size_t>(i) % nasty.size()] + "/" + std::to_string(i));
    made.data.source_rows.push_back(static_cast<Row>(3 * i + 1));
    made.rows.push_back(static_cast<Row>(i));
    made.answers.labels.push_back((i * 3) % classes);
    for (int32_t c = 0; c < classes; ++c)
      made.answers.probabilities.push_back(1.F / static_cast<float>(3 + i + 7 * c));
  }
  return made;
}

TEST(Predictions, come_back_as_they_were_whatever_the_names) {
  const Case made = make_case();
  const ScratchFolder folder;
  const std::vector<Fold> folds = {{{}, {made.rows.begin(), made.rows.begin() + 20}, "=first"},
                                   {{}, {made.rows.begin() + 20, made.rows.end()}, "second, \"fold\""}};
  write_predictions(made.data, made.rows, folds, made.answers, folder.path() / "p.csv");
  const Predictions read = read_predictions(folder.path() / "p.csv");
  EXPECT_EQ(read.classes, nasty);
  EXPECT_EQ(read.rows, made.data.source_rows);
  EXPECT_EQ(read.files, made.data.files);
  EXPECT_EQ(read.photographs, made.data.photographs);
  EXPECT_EQ(read.labels, made.data.labels);
  EXPECT_EQ(read.answers.labels, made.answers.labels);
  EXPECT_EQ(read.answers.probabilities, made.answers.probabilities);  // to the bit
  EXPECT_EQ(read.folds[19], "=first");
  EXPECT_EQ(read.folds[20], "second, \"fold\"");
  for (size_t i = 0; i < 42; ++i) {
    EXPECT_EQ(read.group_names[static_cast<size_t>(read.groups[i])],
              nasty[static_cast<size_t>(made.data.groups[i])]);
    EXPECT_EQ(read.right()[i], made.answers.labels[i] == made.data.labels[i]);
  }
  Dataset again = made.data;
  again.classes = read.classes, again.labels = read.labels, again.files = read.files;
  again.group_names = read.group_names, again.groups = read.groups, again.photographs = read.photographs;
  write_predictions(again, made.rows, folds, read.answers, folder.path() / "again.csv");
  EXPECT_EQ(read_file(folder.path() / "again.csv"), read_file(folder.path() / "p.csv"));
}

TEST(Predictions, that_know_little_and_refuse_come_back_so) {
  Case made = make_case();
  made.data.classes = {"a", "b"};
  for (auto* labels : {&made.data.labels, &made.answers.labels})
    for (int32_t& label : *labels) label %= 2;
  made.answers.labels[5] = refused;
  made.answers.classes = 2;
  made.answers.probabilities.assign(84, 0.5F);
  made.data.groups.clear(), made.data.group_names.clear(), made.data.photographs.clear(),
      made.data.files.clear();
  const ScratchFolder folder;
  write_predictions(made.data, made.rows, {}, made.answers, folder.path() / "p.csv");
  const Predictions read = read_predictions(folder.path() / "p.csv");
  EXPECT_EQ(read.answers.labels, made.answers.labels);
  EXPECT_EQ(read.right()[5], 0);
  EXPECT_TRUE(read.files.empty() && read.groups.empty() && read.group_names.empty() &&
              read.photographs.empty() && read.folds.empty());
}

TEST(Predictions, are_evaluated_as_when_they_were_made) {
  const Case made = make_case();
  const ScratchFolder folder;
  write_predictions(made.data, made.rows, {}, made.answers, folder.path() / "p.csv");
  const Evaluation before =
      evaluate(made.data.labels, made.answers, made.data.classes, units_of(made.data, 3));
  const Evaluation after = evaluate(read_predictions(folder.path() / "p.csv"), 3);
  EXPECT_EQ(after.right, before.right);
  EXPECT_EQ(after.interval.low, before.interval.low);
  EXPECT_EQ(after.interval.high, before.interval.high);
  EXPECT_EQ(after.confusion, before.confusion);
  EXPECT_FALSE(after.new_group);
}

TEST(Predictions, that_are_damaged_are_refused_with_their_line) {
  const ScratchFolder folder;
  const std::string header = "row,file,group,photograph,fold,label,answer,confidence,p_a,p_b\n";
  const auto message = [&](const std::string& text) {
    write_file_atomically(folder.path() / "p.csv", text);
    return message_of([&] { read_predictions(folder.path() / "p.csv"); });
  };
  EXPECT_EQ(message(header + "7,,,,,a,b,.6,.4,.6\n"), "no error");
  for (const auto& [text, says] :
       {std::pair<std::string, std::string>{header, "holds no answer"},
        {"label,pixel1\na,3\n", "is no file of predictions"},
        {header + "7,,,,,a,b,.6,.4\n", "line 2 has 9 fields, not 10"},
        {header + "7,,,,,a,b,.6,.4,.6\nx,,,,,a,b,.6,.4,.6\n", "line 3 has 'x' for row"},
        {header + "7,,,,,c,b,.6,.4,.6\n", "line 2 has 'c' for label"},
        {header + "7,,,,,a,c,.6,.4,.6\n", "line 2 has 'c' for answer"},
        {header + "7,,,2.5,,a,b,.6,.4,.6\n", "line 2 has '2.5' for photograph"},
        {header + "7,,,,,a,b,.6,much,.6\n", "line 2 has 'much' for a probability"}})
    EXPECT_NE(message(text).find(says), std::string::npos) << message(text);
}

}  // namespace
}  // namespace mudra
