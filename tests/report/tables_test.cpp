#include "mudra/report/tables.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "mudra/core/text.h"
#include "mudra/inference/calibration.h"
#include "mudra/report/summary.h"
#include "tests/report/record.h"

namespace mudra {
namespace {

constexpr std::string_view hostile = "a&b%c$d#e_f{g}h~i^j\\k|l<m>n";

// Of each table of a Markdown or LaTeX file its rows, header first; cells with their escapes.
using Rows = std::vector<std::vector<std::string>>;

// The cells between marks that stand behind no backslash.
std::vector<std::string> cells_of(std::string_view line, char mark) {
  std::vector<std::string> cells(1);
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      cells.back() += line.substr(i++, 2);
    } else if (line[i] == mark) {
      cells.emplace_back();
    } else {
      cells.back() += line[i];
    }
  }
  for (std::string& cell : cells) {
    cell.erase(0, cell.find_first_not_of(' '));
    cell.erase(cell.find_last_not_of(' ') + 1);
  }
  return cells;
}

std::vector<Rows> markdown_rows(const std::string& text) {
  std::vector<Rows> tables;
  std::istringstream in(text);
  bool is_inside = false;
  for (std::string line; std::getline(in, line);) {
    const bool is_row = line.starts_with('|');
    if (is_row && !is_inside) tables.emplace_back();
    is_inside = is_row;
    if (!is_row || line.starts_with("|---")) continue;
    std::vector<std::string> cells = cells_of(line, '|');
    EXPECT_TRUE(cells.front().empty() && cells.back().empty()) << line;
    tables.back().emplace_back(cells.begin() + 1, cells.end() - 1);
  }
  return tables;
}

std::vector<Rows> latex_rows(const std::string& text) {
  std::vector<Rows> tables;
  std::istringstream in(text);
  std::vector<std::string> open;
  for (std::string line; std::getline(in, line);) {
    line.erase(0, line.find_first_not_of(' '));
    if (line.empty() || line.starts_with('%')) continue;
    if (line.starts_with("\\begin{")) {
      open.push_back(line.substr(7, line.find('}') - 7));
      if (open.back() == "tabular") tables.emplace_back();
    } else if (line.starts_with("\\end{")) {
      EXPECT_EQ(line.substr(5, line.find('}') - 5), open.back());
      open.pop_back();
    } else if (line.ends_with(" \\\\")) {
      EXPECT_EQ(open.back(), "tabular") << line;
      tables.back().push_back(cells_of(line.substr(0, line.size() - 3), '&'));
    } else {
      EXPECT_TRUE(
          std::set<std::string>({"\\centering", "\\toprule", "\\midrule", "\\bottomrule"}).contains(line) ||
          line.starts_with("\\caption{"))
          << line;
    }
  }
  EXPECT_TRUE(open.empty());
  return tables;
}

// Without what escapes a percent sign.
std::string unescaped(std::string text) {
  std::erase(text, '\\');
  return text;
}

RunRecord record_with_column() {
  RunRecord record = make_record({std::string(hostile), "[5]", "*"}, 200, {1, 1, 1});
  Dataset& test = record.test;
  for (int32_t i = 0; i < 200; ++i) test.groups.push_back(i % 4);
  test.group_names = {"h1", "h2", "h_3", "h4"};
  test.columns = {{"light|s", {"dim", "bright"}, {}}};
  for (int32_t i = 0; i < 200; ++i) test.columns[0].of.push_back(i % 2);
  record.evaluation = evaluate(test.labels, record.answers, test.classes, units_of(test, 1), test.columns);
  return record;
}

TEST(Tables, hold_the_numbers_of_the_evaluation_in_both_forms) {
  const RunRecord record = record_with_column();
  const Evaluation& test = record.evaluation;
  for (const std::vector<Rows>& tables :
       {markdown_rows(markdown_tables(record)), latex_rows(latex_tables(record))}) {
    ASSERT_EQ(tables.size(), 5U);  // scores, classes, hands, the column, confusions
    for (const Rows& rows : tables) {
      for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size());
    }
    ASSERT_EQ(tables[0].size(), 2 + 1 + 6U);  // two accuracies and six scores
    EXPECT_EQ(tables[0][3][0], "balanced accuracy");
    EXPECT_EQ(unescaped(tables[0][3][1]), percent(test.scores.balanced_accuracy.value));
    EXPECT_EQ(unescaped(tables[0][3][2]), interval_text(test.scores.balanced_accuracy, true));
    EXPECT_EQ(tables[0][3][3], "4 hands");
    ASSERT_EQ(tables[1].size(), 1 + 3 + 3U);
    EXPECT_EQ(tables[1][2][1], std::to_string(test.per_class[1].support));
    EXPECT_EQ(tables[1][2][5], score_text(test.scores.per_class[1].roc_auc.value, false));
    EXPECT_EQ(tables[2].size(), 1 + 4U);
    ASSERT_EQ(tables[3].size(), 1 + 2U);
    EXPECT_EQ(tables[3][1][0], test.by[0].values[0].value);
    EXPECT_EQ(tables[3][1][1], "100");
    EXPECT_EQ(tables[3][1][2], std::to_string(test.by[0].values[0].right));
    for (size_t truth = 0; truth < 3; ++truth) {
      for (size_t c = 0; c < 3; ++c)
        EXPECT_EQ(tables[4][truth + 1][c + 1], std::to_string(test.count(truth, c)));
    }
  }
}

TEST(Tables, hold_calibration_and_refusals) {
  RunRecord record = record_with_column();
  record.calibration = {reliability(record.test.labels, record.answers),
                        reliability(record.test.labels, tempered(record.answers, 0.5))};
  for (size_t i = 0; i < 30; ++i) record.answers.labels[i] = refused;
  record.evaluation = evaluate(record.test.labels, record.answers, record.test.classes);
  const Evaluation& test = record.evaluation;
  const auto digits = [](double value) { return fmt::format("{:.4f}", value); };
  for (const std::vector<Rows>& tables :
       {markdown_rows(markdown_tables(record)), latex_rows(latex_tables(record))}) {
    ASSERT_EQ(tables.size(), 4U);  // scores, calibration, classes, confusions
    EXPECT_EQ(tables[0][2][0], "refused");
    EXPECT_EQ(tables[0][2][1].substr(0, 4), "15.0");          // 30 of 200
    EXPECT_EQ(unescaped(tables[0][2][2]), "10.7% to 20.6%");  // Wilson's, by SciPy
    EXPECT_EQ(tables[0][3][0], "accuracy of the answers given");
    EXPECT_EQ(unescaped(tables[0][3][1]), percent(static_cast<double>(test.right) / 170));
    ASSERT_EQ(tables[1].size(), 4U);
    ASSERT_EQ(tables[1][0], (std::vector<std::string>{"measure", "before calibration", "after"}));
    EXPECT_EQ(tables[1][1][0], "Expected calibration error");
    EXPECT_EQ(tables[1][2][0], "Brier score");
    EXPECT_EQ(tables[1][3][0], "Log loss");
    EXPECT_EQ(tables[1][1][1], digits(record.calibration.before->expected_calibration_error));
    EXPECT_EQ(tables[1][1][2], digits(record.calibration.after.expected_calibration_error));
    EXPECT_EQ(tables[1][2][2], digits(record.calibration.after.brier));
    EXPECT_EQ(tables[1][3][1], digits(record.calibration.before->log_loss));
    EXPECT_EQ(tables[3][0].back(), "refused");
    int64_t all = 0;
    for (size_t truth = 0; truth < 3; ++truth) {
      ASSERT_EQ(tables[3][truth + 1].size(), 5U);
      EXPECT_EQ(tables[3][truth + 1][4], std::to_string(test.refused_of(truth)));
      for (size_t c = 1; c < 5; ++c) all += std::stoll(tables[3][truth + 1][c]);
    }
    EXPECT_EQ(all, 200);
  }
  record.calibration.before.reset();
  const Rows uncalibrated = markdown_rows(markdown_tables(record))[1];
  EXPECT_EQ(uncalibrated[0], (std::vector<std::string>{"measure", "value"}));
  EXPECT_EQ(uncalibrated[1][1], digits(record.calibration.after.expected_calibration_error));
}

TEST(Tables, take_names_for_text) {
  const RunRecord record = record_with_column();
  const std::vector<Rows> latex = latex_rows(latex_tables(record));
  EXPECT_EQ(
      latex[4][1][0],
      "a\\&b\\%c\\$d\\#e\\_f\\{g\\}h\\textasciitilde{}i\\textasciicircum{}j\\textbackslash{}k\\textbar{}l"
      "\\textless{}m\\textgreater{}n");
  EXPECT_EQ(latex[4][2][0], "{[}5{]}");  // behind \\ it would be a length
  EXPECT_EQ(latex[4][3][0], "{*}");
  EXPECT_EQ(latex[3][0][0], "light\\textbar{}s");
  const std::vector<Rows> markdown = markdown_rows(markdown_tables(record));
  EXPECT_EQ(markdown[4][1][0], "a\\&b%c$d\\#e\\_f{g}h\\~i^j\\\\k\\|l\\<m>n");
  EXPECT_EQ(markdown[3][0][0], "light\\|s");
}

TEST(Tables, of_many_classes_list_mistakes) {
  const std::vector<Rows> tables =
      latex_rows(latex_tables(make_record(numbered_classes(200), 900, {1, 1, 1})));
  ASSERT_EQ(tables.size(), 3U);
  EXPECT_EQ(tables[2][0], (std::vector<std::string>{"true", "predicted", "pictures"}));
  EXPECT_EQ(tables[2].size(), 31U);
}

}  // namespace
}  // namespace mudra
