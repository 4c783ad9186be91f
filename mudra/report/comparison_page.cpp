#include "mudra/report/comparison_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "mudra/core/atomic_file.h"
#include "mudra/core/text.h"
#include "mudra/report/page.h"
#include "mudra/report/page_parts.h"
#include "mudra/report/page_template.h"

namespace mudra {
namespace {

constexpr size_t most_disagreements = 1500;

std::string title_of(const ComparedRuns& compared, const RunPair& pair) {
  return fmt::format("{} or {}?", shorten(compared.runs[pair.a].name, 32),
                     shorten(compared.runs[pair.b].name, 32));
}

Json scores_of(const std::vector<PairedScore>& scores) {
  Json rows = Json::array();
  for (const PairedScore& score : scores) {
    rows.push_back({display_name(score.name, 200), thousands(score.n), percent(score.accuracy_a()),
                    percent(score.accuracy_b()), signed_points(score.difference()),
                    thousands(score.only_a_right), thousands(score.only_b_right)});
  }
  return rows;
}

Json run_of(const ComparedRun& run) {
  return {{"name", clean(run.name)},
          {"accuracy", percent(run.accuracy)},
          {"low", percent(run.interval.low)},
          {"high", percent(run.interval.high)}};
}

// Of each: its name, what it counts, its p-value, what to think of it.
Json tests_of(const Comparison& found) {
  const std::string& unit = found.interval.unit;
  const bool is_of_images = unit == "image";
  Json tests = {{"McNemar, exact", thousands(found.all.n) + " pictures", p_text(found.p_value),
                 is_of_images ? "cite this" : "too small: pictures of one " + unit + " are alike"}};
  if (!is_of_images) {
    tests.push_back({"sign flips of whole " + unit + "s, exact",
                     thousands(found.interval.independent) + " " + unit + "s", p_text(found.units_p_value),
                     "cite this"});
  }
  if (found.photographs_p_value) {
    tests.push_back({"sign flips of whole photographs, exact", "photographs",
                     p_text(*found.photographs_p_value), "of these groups only"});
  }
  return tests;
}

std::string answer_of(const Predictions& predictions, size_t at) {
  const int32_t label = predictions.answers.labels[at];
  return label == refused ? "refused" : clean(predictions.classes[static_cast<size_t>(label)]);
}

// The images with different answers: only B right, only A right, both wrong.
std::array<std::vector<Row>, 3> disagreements(const Predictions& a, const Predictions& b) {
  const std::vector<uint8_t> right_a = a.right(), right_b = b.right();
  std::array<std::vector<Row>, 3> rows;
  for (size_t i = 0; i < right_a.size(); ++i) {
    if (right_a[i] != right_b[i]) {
      rows[right_b[i] != 0 ? 0 : 1].push_back(static_cast<Row>(i));
    } else if (right_a[i] == 0 && answer_of(a, i) != answer_of(b, i)) {
      rows[2].push_back(static_cast<Row>(i));
    }
  }
  return rows;
}

// The surest mistakes first; but of one photograph the first picture comes before the second of any other, so
// that copies take nobody's place.
void order(const Predictions& a, const Predictions& b, std::vector<Row>& rows) {
  std::ranges::stable_sort(rows, std::greater{}, [&](Row row) {
    const auto sure = [&](const Predictions& run) {
      return run.answers.labels[row] == run.labels[row] ? 0 : run.answers.confidence(row);
    };
    return std::max(sure(a), sure(b));
  });
  if (a.photographs.empty()) return;
  std::map<int32_t, int> times;
  std::map<Row, int> copy;
  for (const Row row : rows) copy[row] = times[a.photographs[row]]++;
  std::ranges::stable_sort(rows, {}, [&](Row row) { return copy[row]; });
}

Json pictures_of(const Predictions& a, const Predictions& b, const Dataset& images) {
  std::array<std::vector<Row>, 3> rows = disagreements(a, b);
  Json kinds = Json::array();
  size_t bytes = 0, dealt = 0;
  for (auto& of_kind : rows) {
    order(a, b, of_kind);
    kinds.push_back({{"count", of_kind.size()}, {"pictures", Json::array()}});
  }
  // One by one over the kinds, so that none takes all the room.
  for (size_t turn = 0, before = 1; before > 0 && images.size() > 0; ++turn) {
    before = 0;
    for (size_t kind = 0; kind < rows.size(); ++kind) {
      if (turn >= rows[kind].size() || dealt >= most_disagreements) continue;
      const Row at = rows[kind][turn];
      Json picture = {{"row", a.rows[at]},
                      {"truth", clean(a.classes[static_cast<size_t>(a.labels[at])])},
                      {"a", answer_of(a, at)},
                      {"b", answer_of(b, at)},
                      {"sure_a", percent(static_cast<double>(a.answers.confidence(at)))},
                      {"sure_b", percent(static_cast<double>(b.answers.confidence(at)))}};
      picture.update(picture_of(images, at));
      bytes += picture.dump(-1, ' ', false, Json::error_handler_t::replace).size() + 1;
      if (bytes > most_picture_bytes) return kinds;
      kinds[kind]["pictures"].push_back(std::move(picture));
      ++before;
      ++dealt;
    }
  }
  return kinds;
}

Json document(const ComparedRuns& compared, const Dataset& images, const std::string& missing) {
  const RunPair& pair = compared.pairs[0];
  const Comparison& found = pair.comparison;
  const ComparedRun &a = compared.runs[pair.a], &b = compared.runs[pair.b];
  Json options = Json::array();
  for (const DifferingOption& option : compared.options)
    options.push_back({option.name, clean(option.texts[pair.a]), clean(option.texts[pair.b])});
  return {{"title", title_of(compared, pair)},
          {"verdict", verdict(compared, pair) + "."},
          {"remarks", cleaned(remarks(compared))},
          {"a", run_of(a)},
          {"b", run_of(b)},
          {"n", compared.n},
          {"difference", number(found.all.difference())},
          {"low", number(found.interval.low)},
          {"high", number(found.interval.high)},
          {"difference_text", signed_points(found.all.difference())},
          {"interval_text", points(found.interval.low) + " to " + points(found.interval.high) + " points"},
          {"only_a_right", found.all.only_a_right},
          {"only_b_right", found.all.only_b_right},
          {"tests", tests_of(found)},
          {"per_class", scores_of(found.per_class)},
          {"groups", scores_of(found.groups)},
          {"options", options},
          {"disagreements", pictures_of(a.predictions, b.predictions, images)},
          {"missing", clean(missing)}};
}

}  // namespace

std::string comparison_page(const ComparedRuns& compared, const Dataset& images, const std::string& missing) {
  const std::string title = title_of(compared, compared.pairs[0]);
  std::string plain = clean(title) + "\n\n" + verdict(compared, compared.pairs[0]) + ".\n";
  for (const std::string& remark : remarks(compared)) plain += clean(remark) + "\n";
  return filled_page(comparison_template, title, plain, document(compared, images, missing));
}

void write_comparison_page(const ComparedRuns& compared, const Dataset& images, const std::string& missing,
                           const std::filesystem::path& folder) {
  write_file_atomically(folder / "report.html", comparison_page(compared, images, missing));
}

}  // namespace mudra
