#include "mudra/cli/output.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/experiment/options.h"
#include "mudra/report/page.h"
#include "mudra/report/summary.h"

namespace mudra {
namespace {

// What fits on a line of the terminal. Of fields with three spaces between them the last go first.
std::string fitted(const std::string& line) {
  winsize size{};
  ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
  const size_t most = size.ws_col > 1 ? size.ws_col - 1 : 79;
  std::string text = clean(line);
  for (size_t end = 0; columns_of(text) > most && (end = text.rfind("   ")) != std::string::npos;)
    text.resize(end);
  for (size_t length = most; columns_of(text) > most; --length) text = shorten(text, length);
  return text;
}

// The accuracy of a part of the images.
struct Line {
  std::string name;
  int64_t n, right;
  double accuracy;
  std::string more;
};

// `lines` are sorted, the worst first.
void print_worst(std::string_view label, const std::vector<Line>& lines) {
  constexpr size_t most = 5;
  size_t width = 0;
  const size_t shown = lines.size() <= most + 1 ? lines.size() : most;
  const auto name = [](const Line& line) { return display_name(line.name, 24); };
  for (size_t i = 0; i < shown; ++i) width = std::max(width, name(lines[i]).size());
  for (size_t i = 0; i < shown; ++i) {
    fmt::print("{:<10}{:<{}}   right on {} of {}: {}{}\n", i == 0 ? label : "", name(lines[i]), width,
               thousands(lines[i].right), thousands(lines[i].n), percent(lines[i].accuracy), lines[i].more);
  }
  if (shown < lines.size()) {
    fmt::print("{:<10}and {} more, {} to {}\n", "", thousands(static_cast<int64_t>(lines.size() - shown)),
               percent(lines[shown].accuracy), percent(lines.back().accuracy));
  }
}

}  // namespace

size_t columns_of(const std::string& text) {
  const size_t padded = 2 * text.size();
  return padded - (fmt::formatted_size("{:{}}", text, padded) - text.size());
}

void say_all(std::FILE* to, fmt::string_view format, fmt::format_args values) try {
  fmt::vprint(to, format, values);
} catch (const std::exception&) {
  if (to != stderr) throw;
}

std::vector<std::string> shown_names(std::vector<std::string> names) {
  for (std::string& name : names) name = clean(name);
  return names;
}

void print_scores(const Evaluation& evaluation) {
  std::vector<ReportRow> rows = evaluation.per_class;
  for (ReportRow& row : rows) row.name = clean(row.name);
  fmt::print("{}\n", classification_report(rows));
}

void print_report(const RunRecord& record, const std::filesystem::path& folder, bool quiet) {
  for (const std::string& note : write_report(record, folder)) say(stderr, "note      {}\n", note);
  if (!quiet) say("report    {}\n", (folder / "report.html").string());
}

void print_notes(const Dataset& data) {
  for (const std::string& note : data.notes) say(stderr, "          {}\n", note);
  for (const std::string& message : data.skipped) say(stderr, "skipped   {}\n", message);
}

void print_confusion(const Evaluation& evaluation) {
  const std::vector<std::string> names = shown_names(evaluation.classes);
  const bool has_refusals = evaluation.refused > 0;
  size_t width = 4;
  for (const std::string& name : names) width = std::max(width, name.size());
  for (const int64_t count : evaluation.confusion) width = std::max(width, std::to_string(count).size());
  fmt::print("{:>{}}   predicted\n{:>{}}  ", "true", width, "", width);
  for (const std::string& name : names) fmt::print(" {:>{}}", name, width);
  fmt::print("{}\n", has_refusals ? "   refused" : "");
  for (size_t truth = 0; truth < evaluation.classes.size(); ++truth) {
    fmt::print("{:>{}}  ", names[truth], width);
    for (size_t c = 0; c < evaluation.classes.size(); ++c)
      fmt::print(" {:>{}}", evaluation.count(truth, c), width);
    if (has_refusals) fmt::print("   {:>7}", evaluation.refused_of(truth));
    fmt::print("\n");
  }
  fmt::print("\n");
}

void add_options(CLI::App& app, std::map<std::string, std::string>& given,
                 const std::vector<std::string_view>& names, const std::vector<std::string_view>& left_out) {
  const Options defaults;
  describe(defaults, [&](const OptionInfo& option, const auto& value) {
    const auto is_in = [&](const auto& list) { return std::ranges::find(list, option.name) != list.end(); };
    const bool is_wanted = (names.empty() || is_in(names)) && !is_in(left_out);
    if (!is_wanted || option.name == "data") return;
    const std::string name(option.name), default_text = text_of(value);
    std::vector<std::string> choices = choices_of(value);
    std::erase(choices, "");
    const std::string help =
        fmt::format("{}{}{}", option.help, choices.empty() ? "" : ": ", fmt::join(choices, ", "));
    CLI::Option* made = nullptr;
    constexpr bool is_list = std::is_same_v<std::decay_t<decltype(value)>, std::vector<std::string>>;
    if (default_text == "false") {  // needs no value: saying it turns it on
      made = app.add_flag_callback(
          "--" + name, [&given, name] { given[name] = "true"; }, help);
    } else {
      made = app.add_option_function<std::string>(
          "--" + name, [&given, name](const std::string& text) { given[name] = text; }, help);
      made->default_str(default_text)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      if (is_list) made->multi_option_policy(CLI::MultiOptionPolicy::Join)->delimiter(',');
    }
    made->group(std::string(option.group));
  });
}

void add_report_option(CLI::App& app, std::optional<std::string>& report, const std::string& help) {
  app.add_option_function<std::vector<std::string>>(
         "--report",
         [&report](const std::vector<std::string>& given) {
           report = given.empty() || given.back() == "{}" ? std::string() : given.back();
         },
         help)
      ->expected(0, 1)
      ->type_name("[TEXT]");
}

FoundModel model_named(const std::string& name, bool quiet) {
  FoundModel found = find_model(name);
  if (name.empty() && !quiet) say(stderr, "model     {}, in the box\n", found.name);
  return found;
}

void print_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) say("warning   {}\n", warning);
}

void print_sureness(const Calibration& calibration, const Evaluation& evaluation, const Model& model,
                    std::string_view what) {
  fmt::print("sureness  {}\n", calibration_sentence(calibration));
  if (!evaluation.refusals) return;
  fmt::print("refused   {}\n          {}\n", refused_sentence(evaluation, what),
             answered_sentence(evaluation));
  if (const std::string text = refusal_text(model); !text.empty()) say("          the model {}\n", text);
}

void print_accuracy(const Evaluation& evaluation, std::string_view what, std::string_view condition) {
  fmt::print("{}\n", accuracy_sentence(evaluation, what));
  if (evaluation.new_group) fmt::print("{}{}\n", new_hand_sentence(evaluation), condition);
  constexpr int64_t least_images = 5;  // below, an accuracy says nothing of a hand
  std::vector<Line> lines;
  for (const GroupScore& group : evaluation.groups) {
    if (group.n >= least_images) lines.push_back({group.name, group.n, group.right, group.accuracy(), ""});
  }
  const size_t small = evaluation.groups.size() - lines.size();
  if (lines.size() > 1) {
    print_worst("by group", lines);
    if (small > 0)
      fmt::print("{:<10}and {} of fewer than {} images\n", "", thousands(static_cast<int64_t>(small)),
                 least_images);
  }
}

void print_columns(const Evaluation& evaluation) {
  for (const ColumnScores& column : evaluation.by) {
    std::vector<Line> lines;
    for (const ValueScore& each : column.values) {
      lines.push_back({each.value, each.n, each.right, each.accuracy.value,
                       fmt::format(" ({})", interval_text(each.accuracy, true))});
    }
    say("by {}, with 95% intervals\n", column.column);
    print_worst("", lines);
  }
}

void print_json(const nlohmann::json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

ProgressLine::ProgressLine() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || now - shown_ < std::chrono::milliseconds(50)) return;
  shown_ = now;
  say(stderr, "\r\033[K{}", fitted(text));
}

void ProgressLine::clear() {
  if (is_terminal_ && shown_ != std::chrono::steady_clock::time_point()) say(stderr, "\r\033[K");
}

void ProgressLine::finish(const std::string& text) {
  if (is_terminal_) return say(stderr, "\r\033[K{}\n", fitted(text));
  say(stderr, "{}\n", text);
}

std::stop_token interrupts() {
  static std::stop_source source;
  static bool is_caught = false;
  if (!std::exchange(is_caught, true)) {
    struct sigaction action {};
    // Sets a lock-free mark: nobody registers a callback with this source.
    action.sa_handler = [](int) { source.request_stop(); };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
  }
  return source.get_token();
}

Progress show_progress(const std::string& what, bool quiet) {
  const std::shared_ptr<ProgressLine> line(new ProgressLine, [](ProgressLine* shown) {
    shown->clear();
    delete shown;
  });
  return Progress(
      [line, what = clean(what), quiet](int64_t done, int64_t of) {
        if (quiet) return;
        if (of == 0) return line->show(fmt::format("{} {}", what, thousands(done)));
        line->show(
            fmt::format("{} {:.0f}%", what, 100 * static_cast<double>(done) / static_cast<double>(of)));
      },
      interrupts(), what);
}

}  // namespace mudra
