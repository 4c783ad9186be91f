#include "mudra/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "mudra/core/atomic_file.h"
#include "mudra/core/error.h"
#include "mudra/core/text.h"
#include "mudra/core/utf8.h"
#include "mudra/data/image_file.h"
#include "mudra/evaluation/classification_report.h"
#include "mudra/report/figures.h"
#include "mudra/report/page_template.h"
#include "mudra/report/pictures.h"
#include "mudra/report/summary.h"

namespace mudra {
namespace {

using Json = nlohmann::ordered_json;

constexpr int longest_side = 96;        // of a picture, in pixels
constexpr size_t most_pictures = 3000;  // each is a few elements of the page
constexpr size_t most_examples = 24;
constexpr size_t most_in_matrix = 30;  // classes; beyond, the confusions are listed
constexpr size_t most_confusions = 1000;
constexpr int64_t most_weights = 60'000;  // drawn as pixels

std::string base64(std::string_view bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (at + k < bytes.size() ? static_cast<uint8_t>(bytes[at + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += at + k <= bytes.size() ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

// Rounded to five digits, which is more than a chart shows; null when not measured.
Json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0) return 0;
  const double scale = std::pow(10.0, 4 - std::floor(std::log10(std::fabs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

Json rows_of(const NamedTexts& pairs) {
  Json rows = Json::array();
  for (const auto& [name, text] : pairs) rows.push_back({clean(name), clean(text)});
  return rows;
}

Json cleaned(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(clean(text));
  return list;
}

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

Json scores_of(const Evaluation& evaluation) {
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
  return {{"matrix", matrix}, {"cells", cells}, {"mistakes", mistakes}};
}

// A picture of the test, without an answer.
Json bare_picture(const RunRecord& record, Row at) {
  const Image image = thumbnail(record.test, at, longest_side);
  Json about = {{"row", int64_t{at} + 1},
                {"truth", record.test.labels[at]},
                {"width", image.width},
                {"height", image.height},
                {"png", base64(encode_png(image))}};
  if (!record.test.files.empty()) about["file"] = clean(record.test.files[at]);
  if (!record.test.groups.empty()) {
    about["group"] = clean(record.test.group_names[static_cast<size_t>(record.test.groups[at])]);
  }
  return about;
}

Json picture(const RunRecord& record, Row at) {
  Json about = bare_picture(record, at);
  about["predicted"] = record.answers.labels[at];
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
  const int64_t units = std::clamp<int64_t>(most_weights / (weights.shape[1] * weights.shape[2]), 1,
                                            std::min<int64_t>(weights.shape[0], 64));
  if (weights.shape[1] * weights.shape[2] > most_weights) return nullptr;
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
                             {"Split", record.split},
                             {"Network", record.network},
                             {"Saved model", record.saved_model}})},
          {"notes", cleaned(record.notes)},
          {"classes", names},
          {"history", history_of(record.history)},
          {"shown_training", clean(record.shown_training)},
          {"kept_epoch", record.kept_epoch},
          {"folds", folds},
          {"confusions", confusions_of(record.evaluation)},
          {"scores", scores_of(record.evaluation)},
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

using Replacement = std::pair<std::string_view, std::string_view>;

// JSON inside <script>: `<` could end it, and two separators are line ends to JavaScript of old.
constexpr Replacement in_script[] = {{"<", "\\u003c"}, {"\u2028", "\\u2028"}, {"\u2029", "\\u2029"}};
constexpr Replacement in_html[] = {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}};

// One replacement after the other, everywhere.
std::string replaced(std::string text, std::span<const Replacement> replacements) {
  for (const auto& [from, to] : replacements) {
    std::string next;
    size_t at = 0;
    for (size_t found = text.find(from); found != text.npos; found = text.find(from, at)) {
      next.append(text, at, found - at).append(to);
      at = found + from.size();
    }
    text = next.append(text, at);
  }
  return text;
}

// What a reader without scripts gets.
std::string plain_text(const RunRecord& record, const Summary& words) {
  std::string text = clean(words.title) + "\n\n" + clean(words.asked) + "\n" + clean(words.answered) + "\n";
  for (const std::string& line : words.sure) text += clean(line) + "\n";
  for (const std::string& line : words.warnings) text += clean(line) + "\n";
  return text + "\n" + as_utf8(record.evaluation.text);
}

// The template with each {{name}} replaced once; what comes in is not searched again.
std::string filled(std::string_view page,
                   const std::vector<std::pair<std::string_view, std::string>>& parts) {
  std::string text;
  for (const auto& [name, part] : parts) {
    const size_t at = page.find(name);
    text.append(page.substr(0, at)).append(part);
    page.remove_prefix(at + name.size());
  }
  return text.append(page);
}

}  // namespace

std::string report_page(const RunRecord& record) {
  const Summary words = summarize(record);
  const std::string json = document(record, words).dump(-1, ' ', false, Json::error_handler_t::replace);
  return filled(page_template, {{"{{title}}", replaced(clean(words.title), in_html) + " Mudra report"},
                                {"{{plain}}", replaced(plain_text(record, words), in_html)},
                                {"{{record}}", replaced(json, in_script)}});
}

std::vector<std::string> write_report(const RunRecord& record, const std::filesystem::path& folder) {
  write_file_atomically(folder / "report.html", report_page(record));
  try {
    return draw_figures(record, folder / "figures");
  } catch (const Error& error) {  // the page shows all they do
    return {std::string("figures were not written: ") + error.what() + " All else is whole."};
  }
}

}  // namespace mudra
