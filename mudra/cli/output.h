// How commands speak: results on standard output, progress on standard error.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

#include "mudra/box/box.h"
#include "mudra/core/progress.h"
#include "mudra/core/text.h"
#include "mudra/data/dataset.h"
#include "mudra/evaluation/evaluation.h"
#include "mudra/network/summary.h"
#include "mudra/report/record.h"

namespace mudra {

// A text as clean() has it, anything else as it is.
template <class T>
decltype(auto) shown(T&& value) {
  if constexpr (std::convertible_to<T, std::string_view>) {
    return clean(value);
  } else {
    return std::forward<T>(value);
  }
}

// fmt::print for what has names of people and files in it: they move no cursor and break no line. On standard
// error, where only notes and progress go, what cannot be written is left out: it may not cost a result.
void say_all(std::FILE* to, fmt::string_view format, fmt::format_args values);
template <class... T>
void say_values(std::FILE* to, fmt::string_view format, const T&... values) {
  say_all(to, format, fmt::make_format_args(values...));
}
template <class... T>
void say(std::FILE* to, fmt::format_string<T...> format, T&&... values) {
  say_values(to, format, shown(std::forward<T>(values))...);
}
template <class... T>
void say(fmt::format_string<T...> format, T&&... values) {
  say(stdout, format, std::forward<T>(values)...);
}

// Columns of a terminal that valid UTF-8 takes: as many as an alignment does not add.
size_t columns_of(const std::string& text);

// Names as they are shown, all of them.
std::vector<std::string> shown_names(std::vector<std::string> names);

// The classification report.
void print_scores(const Evaluation& evaluation);

// Writes the report of a run into its folder and says where it is, on standard output unless `quiet`.
void print_report(const RunRecord& record, const std::filesystem::path& folder, bool quiet);

// Rows true, columns predicted, and one of what was refused where anything was.
void print_confusion(const Evaluation& evaluation);

// With its intervals, that of new hands under a condition; then by group, worst first, if there are groups of
// more than a few images, and by each column asked for.
void print_accuracy(const Evaluation& evaluation, std::string_view what, std::string_view condition = "");
// The accuracy for every value of the columns that --by names.
void print_columns(const Evaluation& evaluation);

// How sure the answers are, and what a model that may refuse refused of `what`.
void print_sureness(const Calibration& calibration, const Evaluation& evaluation, const Model& model,
                    std::string_view what);

// The model of that name, as find_model() has it. Unless `quiet`, says on standard error which model answers
// when nobody named one.
FoundModel model_named(const std::string& name, bool quiet);

void print_warnings(const std::vector<std::string>& warnings);

// Options a command shares with `train`, by name (all but `data` if the list is empty, and never those left
// out); what the user gives goes into `given`. --help shows each under its group, with its choices and its
// default.
void add_options(CLI::App& app, std::map<std::string, std::string>& given,
                 const std::vector<std::string_view>& names = {},
                 const std::vector<std::string_view>& left_out = {});

// `--report [FOLDER]`: sets `report`, to an empty text when no folder is named.
void add_report_option(CLI::App& app, std::optional<std::string>& report, const std::string& help);

// A line a layer, blocks indented, on standard output.
void print_summary(const NetworkSummary& summary);

// What reading the data recognised, and every file it had to skip, on standard error.
void print_notes(const Dataset& data);

void print_json(const nlohmann::json& document);

// A line of progress that is rewritten on a terminal, where it is cut to fit; elsewhere only finished lines
// appear.
class ProgressLine {
 public:
  ProgressLine();
  bool is_terminal() const { return is_terminal_; }
  void show(const std::string& text);  // at most 20 times a second
  void finish(const std::string& text);
  void clear();

 private:
  bool is_terminal_;
  std::chrono::steady_clock::time_point shown_;
};

// From now on Ctrl-C and a polite kill only request a stop of this token; a second one kills.
std::stop_token interrupts();

// Shows `what` and its share on a terminal's line, unless `quiet`, which is gone when the Progress is.
// The first Ctrl-C ends what goes on by an Error, so that it leaves nothing half done.
Progress show_progress(const std::string& what, bool quiet = false);

}  // namespace mudra
