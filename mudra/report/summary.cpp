#include "mudra/report/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "mudra/core/text.h"

namespace mudra {
namespace {

constexpr size_t most_named = 12;  // beyond, classes are counted rather than listed

std::string images(int64_t count, std::string_view kind = "picture") {
  return fmt::format("{} {}{}", thousands(count), kind, count == 1 ? "" : "s");
}

std::string class_name(const Evaluation& evaluation, size_t c) {
  return display_name(evaluation.classes[c], 24);
}

std::string title_of(const std::vector<std::string>& classes) {
  if (classes.size() > most_named)
    return "Which of " + number_word(static_cast<int64_t>(classes.size())) + " signs?";
  return listed(classes, "or", 16) + "?";
}

std::string asked(const RunRecord& record) {
  const auto& classes = record.evaluation.classes;
  std::string text =
      classes.size() > most_named
          ? "Which of " + number_word(static_cast<int64_t>(classes.size())) + " signs does a picture show? "
          : "Which sign does a picture show: " + listed(classes, "or") + "? ";
  if (record.trained_on == 0) {
    return text + fmt::format("A trained model was asked about {}.",
                              images(record.evaluation.n, "labelled picture"));
  }
  text += fmt::format("A network learned it from {} and was then asked about {} it had not been trained on",
                      images(record.trained_on, "labelled picture"), thousands(record.evaluation.n));
  return text + (record.folds.empty() ? "."
                                      : fmt::format(": {} times, each time with other pictures held out.",
                                                    number_word(static_cast<int64_t>(record.folds.size()))));
}

std::string answered(const Evaluation& evaluation) {
  const Baseline base = baseline(evaluation);
  std::string text = fmt::format("It was right on {} of {}. Always answering {} would be right on {}.",
                                 thousands(evaluation.right), images(evaluation.n),
                                 class_name(evaluation, base.answer), percent(base.share));
  const std::vector<Confusion> all = confusions(evaluation);
  if (all.empty() || all[0].truth == all[0].predicted) return text;
  return text + fmt::format(" Its most frequent mistake: {} taken for {}, {}.",
                            class_name(evaluation, all[0].truth), class_name(evaluation, all[0].predicted),
                            all[0].count == 1 ? "once" : thousands(all[0].count) + " times");
}

std::vector<std::string> sure(const RunRecord& record) {
  const Interval& interval = record.evaluation.interval;
  std::string text =
      fmt::format("The accuracy on more pictures like these is between {} and {}, with 95% confidence. ",
                  percent(interval.low), percent(interval.high));
  if (interval.unit == "image") {
    text += "Each picture counts as one independent observation.";
  } else {
    text += fmt::format(
        "Pictures of one {0} are alike, so the interval counts {1} independent {0}{2} instead of {3}.",
        interval.unit, thousands(interval.independent), interval.independent == 1 ? "" : "s",
        images(record.evaluation.n));
  }
  std::vector<std::string> paragraphs = {text};
  paragraphs.insert(paragraphs.end(), record.doubts.begin(), record.doubts.end());
  return paragraphs;
}

// What the numbers themselves warn of.
std::vector<std::string> own_warnings(const Evaluation& evaluation) {
  std::vector<std::string> warnings;
  const Baseline base = baseline(evaluation);
  if (evaluation.interval.low <= base.share) {
    warnings.push_back(fmt::format("This is not clearly better than always answering {} ({}).",
                                   class_name(evaluation, base.answer), percent(base.share)));
  }
  std::vector<std::string> unseen, answers;
  for (const ReportRow& row : evaluation.per_class) {
    if (row.support == 0) unseen.push_back(row.name);
    if (row.predicted > 0) answers.push_back(row.name);
  }
  if (answers.size() == 1 && evaluation.n > 1) {
    warnings.push_back(fmt::format("Every picture got the same answer: {}.", display_name(answers[0], 24)));
  }
  if (!unseen.empty()) {
    warnings.push_back(unseen.size() > most_named
                           ? fmt::format("{} of {} classes have no picture in this test.",
                                         thousands(static_cast<int64_t>(unseen.size())),
                                         thousands(static_cast<int64_t>(evaluation.classes.size())))
                           : "No picture in this test shows " + listed(unseen, "or") + ".");
  }
  return warnings;
}

}  // namespace

Baseline baseline(const Evaluation& evaluation) {
  const auto largest = std::ranges::max_element(evaluation.per_class, {}, &ReportRow::support);
  return {static_cast<size_t>(largest - evaluation.per_class.begin()),
          static_cast<double>(largest->support) / static_cast<double>(evaluation.n)};
}

std::vector<Confusion> confusions(const Evaluation& evaluation) {
  std::vector<Confusion> found;
  for (size_t truth = 0; truth < evaluation.classes.size(); ++truth) {
    for (size_t predicted = 0; predicted < evaluation.classes.size(); ++predicted) {
      const int64_t count = evaluation.count(truth, predicted);
      if (count > 0) found.push_back({truth, predicted, count});
    }
  }
  std::ranges::stable_sort(found, [](const Confusion& a, const Confusion& b) {
    const bool right_a = a.truth == a.predicted, right_b = b.truth == b.predicted;
    return right_a != right_b ? right_b : a.count > b.count;
  });
  return found;
}

std::string accuracy_sentence(const Evaluation& evaluation, std::string_view what) {
  const Interval& interval = evaluation.interval;
  std::string sentence = fmt::format("right on {} of {} {}: {:.1f}% (95% interval {:.1f}% to {:.1f}%",
                                     thousands(evaluation.right), thousands(evaluation.n), what,
                                     100 * evaluation.accuracy, 100 * interval.low, 100 * interval.high);
  if (interval.unit != "image") {
    sentence += fmt::format(", {} independent {}{}", thousands(interval.independent), interval.unit,
                            interval.independent == 1 ? "" : "s");
  }
  return sentence + ")";
}

Summary summarize(const RunRecord& record) {
  Summary words{title_of(record.evaluation.classes), asked(record), answered(record.evaluation), sure(record),
                record.warnings};
  for (std::string& warning : own_warnings(record.evaluation)) words.warnings.push_back(std::move(warning));
  return words;
}

}  // namespace mudra
