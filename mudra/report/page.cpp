#include "mudra/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "mudra/core/atomic_file.h"
#include "mudra/core/base64.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/core/utf8.h"
#include "mudra/data/image_file.h"
#include "mudra/evaluation/classification_report.h"
#include "mudra/report/figures.h"
#include "mudra/report/page_calibration.h"
#include "mudra/report/page_epochs.h"
#include "mudra/report/page_parts.h"
#include "mudra/report/page_scores.h"
#include "mudra/report/page_template.h"
#include "mudra/report/pictures.h"
#include "mudra/report/summary.h"
#include "mudra/report/tables.h"

namespace mudra {
namespace {

constexpr size_t most_pictures = 3000;  // each is a few elements of the page
constexpr size_t most_confusions = 1000;

Json words_of(const Summary& words, const Evaluation& evaluation) {
  const Baseline base = baseline(evaluation);
  Json new_hands;  // null when they are not known, or too few
  if (evaluation.new_group && evaluation.new_group->interval.independent >= least_groups) {
    const Interval& interval = evaluation.new_group->interval;
    new_hands = {{"low", number(interval.low)},
                 {"high", number(interval.high)},
                 {"low_text", percent(interval.low)},
                 {"high_text", percent(interval.high)}};
  }
  return {{"title", clean(words.title)},
          {"asked", clean(words.asked)},
          {"answered", clean(words.answered)},
          {"sure", cleaned(words.sure)},
          {"warnings", cleaned(words.warnings)},
          {"accuracy", number(evaluation.accuracy)},
          {"low", number(evaluation.interval.low)},
          {"high", number(evaluation.interval.high)},
          {"baseline", number(base.share)},
          {"accuracy_text", percent(evaluation.accuracy)},
          {"low_text", percent(evaluation.interval.low)},
          {"high_text", percent(evaluation.interval.high)},
          {"baseline_text", percent(base.share)},
          {"baseline_answer", display_name(evaluation.classes[base.answer], 24)},
          {"of_hands", !evaluation.groups.empty()},
          {"new_hands", std::move(new_hands)}};
}

Json history_of(const std::vector<Epoch>& history) {
  Json rows = Json::array();
  for (const Epoch& epoch : history) {
    rows.push_back({epoch.number, number(epoch.loss_train), number(epoch.loss_held_out),
                    number(epoch.loss_validation), number(epoch.accuracy_train),
                    number(epoch.accuracy_held_out), number(epoch.accuracy_validation)});
  }
  return rows;
}

Json report_of(const Evaluation& evaluation) {
  const ReportTable table = report_table(evaluation.per_class);
  const auto row = [](const ReportRow& r, const std::string& name) -> Json {
    return {name, two_digits(r.precision), two_digits(r.recall), two_digits(r.f1), thousands(r.support)};
  };
  Json classes = Json::array(), summary = Json::array();
  for (const ReportRow& r : table.classes) classes.push_back(row(r, display_name(r.name, 200)));
  for (const ReportRow& r : table.summary) summary.push_back(row(r, r.name));
  return {{"classes", classes}, {"summary", summary}};
}

Json confusions_of(const Evaluation& evaluation) {
  const std::vector<Confusion> all = confusions(evaluation);
  const bool matrix = evaluation.classes.size() <= most_in_matrix;
  Json cells = Json::array();
  size_t mistakes = 0;
  for (const Confusion& cell : all) {
    mistakes += cell.truth != cell.predicted;
    if (!matrix && (cell.truth == cell.predicted || mistakes > most_confusions)) continue;
    cells.push_back({cell.truth, cell.predicted, cell.count});
  }
  for (size_t truth = 0; truth < evaluation.classes.size(); ++truth) {
    if (const int64_t count = evaluation.refused_of(truth); count > 0)
      cells.push_back({truth, refused, count});
  }
  return {{"matrix", matrix}, {"cells", cells}, {"mistakes", mistakes}, {"refused", evaluation.refused}};
}

Json picture(const RunRecord& record, Row at) {
  Json about = bare_picture(record, at);
  about["predicted"] = record.answers.labels[at];
  if (record.answers.labels[at] == refused) about["seemed"] = record.answers.likeliest(at);
  about["sure"] = percent(static_cast<double>(record.answers.confidence(at)));
  about["truth_sure"] = percent(
      static_cast<double>(record.answers.probability(at, static_cast<size_t>(record.test.labels[at]))));
  return about;
}

Json suspects_of(const RunRecord& record) {
  Json rows = Json::array();
  for (const LabelSuspect& suspect : record.labels.first) {
    Json about = bare_picture(record, suspect.row);
    about["source_row"] = record.test.source_row(suspect.row);
    about["suggestion"] = suspect.suggestion;
    about["sure"] = percent(suspect.confidence);
    rows.push_back(std::move(about));
  }
  return {{"count", record.labels.count},
          {"by_photograph", !record.test.photographs.empty()},
          {"first", std::move(rows)}};
}

// The examples and as many other pictures as fit, dealt out over the cells of the matrix.
Json pictures_of(const RunRecord& record, const std::vector<Row>& rows) {
  Json pictures = Json::array();
  size_t bytes = 0;
  for (const Row row : rows) {
    Json next = picture(record, row);
    bytes += next.dump().size() + 1;
    if (bytes > most_picture_bytes) break;
    pictures.push_back(std::move(next));
  }
  return pictures;
}

Json weights_of(const WeightImages& weights) {
  if (weights.shape.rank() != 4) return nullptr;
  const int64_t units = std::clamp<int64_t>(most_sheet_pixels / (weights.shape[1] * weights.shape[2]), 1,
                                            std::min(weights.shape[0], most_units));
  if (weights.shape[1] * weights.shape[2] > most_sheet_pixels) return nullptr;
  const WeightView view = weights.before.empty() ? WeightView::after : WeightView::change;
  const float limit = weight_limit(weights, view, units);
  const Image sheet = weight_sheet(weights, view, units, std::min<int>(16, static_cast<int>(units)), limit);
  return {{"png", base64(encode_png(sheet))},     {"width", sheet.width}, {"height", sheet.height},
          {"change", view == WeightView::change}, {"units", units},       {"of", weights.shape[0]},
          {"limit", fmt::format("{:.2g}", limit)}};
}

Json seconds_of(const RunRecord& record) {
  const std::pair<const char*, double> parts[] = {{"data read", record.seconds.load},
                                                  {"training steps", record.seconds.train},
                                                  {"test", record.seconds.evaluate},
                                                  {"all, without this page", record.seconds.total}};
  Json rows = Json::array();
  for (const auto& [what, seconds] : parts) {
    if (seconds > 0) rows.push_back({what, fmt::format("{:.3f} s", seconds)});
  }
  return rows;
}

Json document(const RunRecord& record, const Summary& words) {
  Json options = Json::array();
  for (const OptionRecord& option : record.options) {
    options.push_back({clean(option.name), clean(option.text), option.changed});
  }
  const DealtRows dealt = dealt_rows(record, most_examples, most_pictures);
  Json names = Json::array(), folds = Json::array();
  for (const std::string& name : record.evaluation.classes) names.push_back(display_name(name, 200));
  for (const FoldRecord& fold : record.folds) {
    folds.push_back(
        {clean(fold.name), fold.images, fold.right,
         percent(static_cast<double>(fold.right) / static_cast<double>(std::max<int64_t>(1, fold.images)))});
  }
  return {{"words", words_of(words, record.evaluation)},
          {"facts", rows_of({{"Data", record.data},
                             {"Only for training", record.extra},
                             {"Split", record.split},
                             {"Network", record.network},
                             {"Saved model", record.saved_model}})},
          {"notes", cleaned(record.notes)},
          {"classes", names},
          {"history", history_of(record.history)},
          {"shown_training", clean(record.shown_training)},
          {"kept_epoch", record.kept_epoch},
          {"epochs", epochs_of(record)},
          {"folds", folds},
          {"confusions", confusions_of(record.evaluation)},
          {"scores", report_of(record.evaluation)},
          {"measures", measures_of(record.evaluation)},
          {"calibration", calibration_of(record)},
          {"pictures", pictures_of(record, dealt.rows)},
          {"examples", dealt.example_count},
          {"suspects", suspects_of(record)},
          {"weights", weights_of(record.weights)},
          {"options", options},
          {"seconds", seconds_of(record)},
          {"environment", rows_of(record.environment)},
          {"command", clean(record.command)},
          {"options_toml", record.options_toml}};
}

// What a reader without scripts gets.
std::string plain_text(const RunRecord& record, const Summary& words) {
  std::string text = clean(words.title) + "\n\n" + clean(words.asked) + "\n" + clean(words.answered) + "\n";
  for (const std::string& line : words.sure) text += clean(line) + "\n";
  for (const std::string& line : words.warnings) text += clean(line) + "\n";
  return text + "\n" + as_utf8(record.evaluation.text);
}

}  // namespace

std::string report_page(const RunRecord& record) {
  const Summary words = summarize(record);
  return filled_page(page_template, words.title, plain_text(record, words), document(record, words));
}

std::vector<std::string> write_report(const RunRecord& record, const std::filesystem::path& folder) {
  write_file_atomically(folder / "report.html", report_page(record));
  write_file_atomically(folder / "tables.md", markdown_tables(record));
  write_file_atomically(folder / "tables.tex", latex_tables(record));
  try {
    return draw_figures(record, folder / "figures");
  } catch (const Error& error) {  // the page shows all they do
    return {std::string("figures were not written: ") + error.what() + " All else is whole."};
  }
}

}  // namespace mudra
