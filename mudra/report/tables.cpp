#include "mudra/report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "mudra/core/text.h"
#include "mudra/report/summary.h"

namespace mudra {
namespace {

using Cells = std::vector<std::string>;

struct TextTable {
  std::string caption;
  Cells header;
  std::vector<Cells> rows;
  size_t summary = 0;  // the last rows, which stand apart
};

std::string cell_name(const std::string& name) { return display_name(name, 200); }

Cells with_interval(std::string name, const Score& score, bool is_share, std::string counted) {
  return {std::move(name), score_text(score.value, is_share), interval_text(score, is_share),
          std::move(counted)};
}

TextTable table_of_scores(const Evaluation& test) {
  const auto score = [](double value, const Interval& interval) {
    return Score{value, interval.low, interval.high};
  };
  TextTable table{"Scores, 95% intervals, and what these count as independent",
                  {"score", "value", "95% interval", "counted"},
                  {}};
  table.rows.push_back(with_interval("accuracy", score(test.accuracy, test.interval), true,
                                     counted(test.interval.unit, test.interval.independent)));
  if (test.new_group && test.new_group->interval.independent >= least_groups) {
    const NewGroup& hands = *test.new_group;
    table.rows.push_back(with_interval("accuracy on new hands", score(hands.accuracy, hands.interval), true,
                                       counted("group", hands.interval.independent)));
  }
  if (const auto& found = test.refusals) {
    const auto share = static_cast<double>(found->refused) / static_cast<double>(test.n);
    table.rows.push_back(with_interval("refused", score(share, found->interval), true,
                                       counted(found->interval.unit, found->interval.independent)));
    if (const Interval& interval = found->accuracy_interval; found->answered > 0)
      table.rows.push_back(with_interval("accuracy of the answers given", score(found->accuracy, interval),
                                         true, counted(interval.unit, interval.independent)));
  }
  for (const ScoreName& each : shown_scores(test)) {
    table.rows.push_back(with_interval(each.name, test.scores.*each.score, each.is_share,
                                       counted(test.scores.unit, test.scores.units)));
  }
  return table;
}

TextTable table_of_calibration(const Calibration& calibration) {
  const bool is_calibrated = calibration.before.has_value();
  TextTable table{"How far confidence and the share of right answers agree", {"measure"}, {}};
  if (is_calibrated) table.header.emplace_back("before calibration");
  table.header.emplace_back(is_calibrated ? "after" : "value");
  if (calibration.after.bins.empty()) return table;
  for (const auto& [name, before, after] : calibration_rows(calibration))
    table.rows.push_back(is_calibrated ? Cells{name, before, after} : Cells{name, after});
  return table;
}

TextTable table_of_classes(const Evaluation& test) {
  TextTable table{"Each class, and as one class against all others, with 95% intervals",
                  {"class", "pictures", "precision", "recall", "F1", "ROC area", "interval",
                   "average precision", "interval"},
                  {}};
  const ReportTable report = report_table(test.per_class);
  for (size_t c = 0; c < test.classes.size(); ++c) {
    const ReportRow& row = test.per_class[c];
    if (row.support + row.predicted == 0) continue;
    const ClassScores& scores = test.scores.per_class[c];
    table.rows.push_back(
        {cell_name(row.name), thousands(row.support), two_digits(row.precision), two_digits(row.recall),
         two_digits(row.f1), score_text(scores.roc_auc.value, false), interval_text(scores.roc_auc, false),
         score_text(scores.average_precision.value, false), interval_text(scores.average_precision, false)});
  }
  for (const ReportRow& row : report.summary) {
    table.rows.push_back({row.name, thousands(row.support), two_digits(row.precision), two_digits(row.recall),
                          two_digits(row.f1), "", "", "", ""});
  }
  table.summary = report.summary.size();
  return table;
}

TextTable table_of_groups(const Evaluation& test) {
  TextTable table{"Each hand, the worst first", {"hand", "pictures", "right", "accuracy"}, {}};
  for (const GroupScore& group : test.groups) {
    table.rows.push_back(
        {cell_name(group.name), thousands(group.n), thousands(group.right), percent(group.accuracy())});
  }
  return table;
}

TextTable table_of_column(const ColumnScores& column) {
  const std::string name = cell_name(column.column);
  TextTable table{"Accuracy by " + name + ", the worst first",
                  {name, "pictures", "right", "accuracy", "95% interval"},
                  {}};
  for (const ValueScore& each : column.values) {
    table.rows.push_back({cell_name(each.value), thousands(each.n), thousands(each.right),
                          score_text(each.accuracy.value, true), interval_text(each.accuracy, true)});
  }
  return table;
}

TextTable table_of_confusions(const Evaluation& test) {
  constexpr size_t most_in_matrix = 30;  // classes, and mistakes listed beyond
  TextTable table;
  if (test.classes.size() > most_in_matrix) {
    table = {"The most frequent mistakes", {"true", "predicted", "pictures"}, {}};
    for (const Confusion& cell : confusions(test)) {
      if (cell.truth == cell.predicted || table.rows.size() == most_in_matrix) break;
      table.rows.push_back({cell_name(test.classes[cell.truth]), cell_name(test.classes[cell.predicted]),
                            thousands(cell.count)});
    }
    return table;
  }
  table = {"Confusion matrix: true classes down, predicted classes across", {"true"}, {}};
  for (size_t truth = 0; truth < test.classes.size(); ++truth) {
    table.header.push_back(cell_name(test.classes[truth]));
    Cells& row = table.rows.emplace_back(Cells{table.header.back()});
    for (size_t c = 0; c < test.classes.size(); ++c) row.push_back(thousands(test.count(truth, c)));
    if (test.refused > 0) row.push_back(thousands(test.refused_of(truth)));
  }
  if (test.refused > 0) table.header.emplace_back("refused");
  return table;
}

std::vector<TextTable> tables_of(const RunRecord& record) {
  const Evaluation& test = record.evaluation;
  std::vector<TextTable> tables = {table_of_scores(test), table_of_calibration(record.calibration),
                                   table_of_classes(test)};
  if (!test.groups.empty()) tables.push_back(table_of_groups(test));
  for (const ColumnScores& column : test.by) tables.push_back(table_of_column(column));
  tables.push_back(table_of_confusions(test));
  std::erase_if(tables, [](const TextTable& table) { return table.rows.empty(); });
  return tables;
}

// A cleaned text with a backslash before what Markdown reads as markup, HTML and entities among them.
std::string markdown(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view("\\`*_[]<|&~#").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string latex(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        escaped += std::string("\\") + c;
        break;
      case '~':
        escaped += "\\textasciitilde{}";
        break;
      case '^':
        escaped += "\\textasciicircum{}";
        break;
      case '\\':
        escaped += "\\textbackslash{}";
        break;
      case '<':
        escaped += "\\textless{}";
        break;
      case '>':
        escaped += "\\textgreater{}";
        break;
      case '|':
        escaped += "\\textbar{}";
        break;
      // At the beginning of a line these would belong to the \\ before it.
      case '[':
      case ']':
      case '*':
        escaped += std::string("{") + c + '}';
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string joined(const Cells& cells, std::string (*escape)(std::string_view), const char* between) {
  Cells escaped;
  for (const std::string& cell : cells) escaped.push_back(escape(cell));
  return fmt::format("{}", fmt::join(escaped, between));
}

}  // namespace

std::string markdown_tables(const RunRecord& record) {
  std::string text = "# " + markdown(clean(summarize(record).title)) + "\n\n" + markdown(clean(record.data)) +
                     (record.split.empty() ? "" : "; " + markdown(clean(record.split))) + "\n";
  for (const TextTable& table : tables_of(record)) {
    text +=
        "\n## " + markdown(table.caption) + "\n\n| " + joined(table.header, markdown, " | ") + " |\n|---|";
    for (size_t column = 1; column < table.header.size(); ++column) text += "---:|";
    text += "\n";
    for (const Cells& row : table.rows) text += "| " + joined(row, markdown, " | ") + " |\n";
  }
  return text;
}

std::string latex_tables(const RunRecord& record) {
  std::string text = "% \\usepackage{booktabs} is all these tables need.\n% " + clean(record.data) +
                     (record.split.empty() ? "" : "; " + clean(record.split)) + "\n";
  for (const TextTable& table : tables_of(record)) {
    text += "\n\\begin{table}\n  \\centering\n  \\caption{" + latex(table.caption) +
            "}\n  \\begin{tabular}{l" + std::string(table.header.size() - 1, 'r') + "}\n    \\toprule\n    " +
            joined(table.header, latex, " & ") + " \\\\\n    \\midrule\n";
    for (size_t row = 0; row < table.rows.size(); ++row) {
      if (table.summary > 0 && row + table.summary == table.rows.size()) text += "    \\midrule\n";
      text += "    " + joined(table.rows[row], latex, " & ") + " \\\\\n";
    }
    text += "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n";
  }
  return text;
}

}  // namespace mudra
