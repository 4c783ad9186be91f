#include "mudra/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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
  if (record.folds.empty()) {
    return text + fmt::format("A network learned it from {} and was then asked about {} others.",
                              images(record.trained_on, "labelled picture"), thousands(record.evaluation.n));
  }
  return text + fmt::format(
                    "The pictures were put into {0} parts and {0} networks trained, each without one "
                    "part. Each was then asked about the part it had not seen: {1} altogether.",
                    number_word(static_cast<int64_t>(record.folds.size())),
                    images(record.evaluation.n, "picture"));
}

std::string answered(const Evaluation& evaluation, std::string_view who) {
  const Baseline base = baseline(evaluation);
  std::string text = fmt::format("{} right on {} of {}. Always answering {} would be right on {}.", who,
                                 thousands(evaluation.right), images(evaluation.n),
                                 class_name(evaluation, base.answer), percent(base.share));
  if (const int64_t count = evaluation.refusals ? evaluation.refusals->refused : 0; count > 0)
    text += fmt::format(" {} refused: {}.", count == 1 ? "One was" : thousands(count) + " were",
                        answered_sentence(evaluation));
  const std::vector<Confusion> all = confusions(evaluation);
  if (all.empty() || all[0].truth == all[0].predicted) return text;
  return text + fmt::format(" The most frequent mistake: {} taken for {}, {}.",
                            class_name(evaluation, all[0].truth), class_name(evaluation, all[0].predicted),
                            all[0].count == 1 ? "once" : thousands(all[0].count) + " times");
}

std::vector<std::string> sure(const RunRecord& record) {
  const Interval& interval = record.evaluation.interval;
  std::string text =
      fmt::format("The accuracy on more pictures {} is between {} and {}, with 95% confidence. ",
                  record.evaluation.groups.empty() ? "like these" : "of these hands", percent(interval.low),
                  percent(interval.high));
  if (interval.unit == "image") {
    text += "Each picture counts as one independent observation.";
  } else {
    text += fmt::format(
        "Pictures of one {0} are alike, so the interval counts {1} independent {0}{2} instead of {3}.",
        interval.unit, thousands(interval.independent), interval.independent == 1 ? "" : "s",
        images(record.evaluation.n));
  }
  std::vector<std::string> paragraphs = {text};
  if (const auto& found = record.evaluation.new_group) {
    const int64_t hands = found->interval.independent;
    const std::string tested = number_word(hands) + (hands == 1 ? " hand" : " hands");
    paragraphs.push_back(
        hands < least_groups
            ? fmt::format("How well it reads new hands cannot be told from {}: that takes three at least.",
                          tested)
            : fmt::format(
                  "The accuracy on new hands, averaged over many of them, is between {} and {}, with 95% "
                  "confidence, as far as {} tell. A single hand may lie outside.",
                  percent(found->interval.low), percent(found->interval.high), tested));
  }
  paragraphs.insert(paragraphs.end(), record.doubts.begin(), record.doubts.end());
  return paragraphs;
}

}  // namespace

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

std::string counted(std::string_view unit, int64_t units) {
  return images(units, unit == "group" ? "hand" : unit == "image" ? "picture" : unit);
}

std::string score_text(double value, bool is_share) {
  if (std::isnan(value)) return "undefined";
  if (is_share) return percent(value);
  return value < 1 && value >= 0.9995 ? ">0.999" : fmt::format("{:.3f}", value);
}

std::string interval_text(const Score& score, bool is_share) {
  if (std::isnan(score.value)) return "";
  return score_text(score.low, is_share) + " to " + score_text(score.high, is_share);
}

std::span<const ScoreName> shown_scores(const Evaluation& evaluation) {
  return score_names().first(score_names().size() - (evaluation.classes.size() < 3 ? 1 : 0));
}

std::string accuracy_sentence(const Evaluation& evaluation, std::string_view what) {
  const Interval& interval = evaluation.interval;
  std::string sentence = fmt::format("right on {} of {} {}: {:.1f}% (95% interval {:.1f}% to {:.1f}%{}",
                                     thousands(evaluation.right), thousands(evaluation.n), what,
                                     100 * evaluation.accuracy, 100 * interval.low, 100 * interval.high,
                                     evaluation.groups.empty() ? "" : " for these hands");
  if (interval.unit != "image") {
    sentence += fmt::format(", {} independent {}{}", thousands(interval.independent), interval.unit,
                            interval.independent == 1 ? "" : "s");
  }
  return sentence + ")";
}

std::string new_hand_sentence(const Evaluation& evaluation) {
  if (!evaluation.new_group) return {};
  const Interval& interval = evaluation.new_group->interval;
  const std::string hands =
      number_word(interval.independent) + (interval.independent == 1 ? " hand is" : " hands are");
  if (interval.independent < least_groups) return "new hands: " + hands + " too few to say";
  return fmt::format("new hands: {} on average (95% interval {} to {}, as far as {} hands tell)",
                     percent(evaluation.new_group->accuracy), percent(interval.low), percent(interval.high),
                     number_word(interval.independent));
}

std::string calibration_sentence(const Calibration& calibration) {
  const auto points = [](const Reliability& found) {
    return fmt::format("{:.1f}", 100 * found.expected_calibration_error);
  };
  return "confidence and the share of right answers are " + points(calibration.after) +
         " points apart on average" +
         (calibration.before ? " (" + points(*calibration.before) + " before calibration)" : "");
}

std::vector<std::array<std::string, 3>> calibration_rows(const Calibration& calibration) {
  constexpr std::pair<const char*, double Reliability::*> measures[] = {
      {"Expected calibration error", &Reliability::expected_calibration_error},
      {"Brier score", &Reliability::brier},
      {"Log loss", &Reliability::log_loss}};
  std::vector<std::array<std::string, 3>> rows;
  for (const auto& [name, measure] : measures) {
    rows.push_back({name, calibration.before ? fmt::format("{:.4f}", (*calibration.before).*measure) : "",
                    fmt::format("{:.4f}", calibration.after.*measure)});
  }
  return rows;
}

std::string refused_sentence(const Evaluation& evaluation, std::string_view what) {
  const Interval& interval = evaluation.refusals->interval;
  const int64_t refused_images = evaluation.refusals->refused;
  return fmt::format("{} of {} {} ({}, 95% interval {} to {})", thousands(refused_images),
                     thousands(evaluation.n), what,
                     percent(static_cast<double>(refused_images) / static_cast<double>(evaluation.n)),
                     percent(interval.low), percent(interval.high));
}

std::string answered_sentence(const Evaluation& evaluation) {
  const Refusals& found = *evaluation.refusals;
  if (found.answered == 0) return "none of them was answered";
  return fmt::format("{} of the {} answered {} right: {} (95% interval {} to {})", thousands(found.right),
                     thousands(found.answered), found.right == 1 ? "is" : "are", percent(found.accuracy),
                     percent(found.accuracy_interval.low), percent(found.accuracy_interval.high));
}

std::string refusal_text(const Model& model) {
  if (model.rejection_threshold == 0) return {};
  const std::string what =
      fmt::format("what it is less than {:.4g}% sure of", 100 * model.rejection_threshold);
  const auto known = model.card.find("refusal");
  return known == model.card.end() ? "refuses " + what : known->second + ": " + what;
}

Summary summarize(const RunRecord& record) {
  std::string text = answered(record.evaluation, record.folds.empty() ? "It was" : "They were");
  if (const auto& truth = record.true_evaluation) {
    text += fmt::format(" Against the true labels: right on {} of {}, {} (95% interval {} to {}).",
                        thousands(truth->right), images(truth->n), percent(truth->accuracy),
                        percent(truth->interval.low), percent(truth->interval.high));
  }
  return {title_of(record.evaluation.classes), asked(record), text, sure(record), record.warnings};
}

}  // namespace mudra
