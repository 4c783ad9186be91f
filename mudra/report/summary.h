// A run in words: what was asked, what came out, how sure that is.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mudra/report/record.h"

namespace mudra {

struct Summary {
  std::string title;              // "0 or 5?"
  std::string asked, answered;    // a few sentences each
  std::vector<std::string> sure;  // one paragraph each
  std::vector<std::string> warnings;
};

Summary summarize(const RunRecord& record);

// "right on 195 of 200 held-out images: 97.5% (95% interval 94.3% to 98.9%)"
std::string accuracy_sentence(const Evaluation& evaluation, std::string_view what = "held-out images");

// "new hands: 89.6% on average (95% interval 81.6% to 97.5%, as five hands tell)"; empty when nothing is
// known of hands.
std::string new_hand_sentence(const Evaluation& evaluation);

// "confidence and the share of right answers are 1.2 points apart on average (5.9 before calibration)"
std::string calibration_sentence(const Calibration& calibration);

// "Expected calibration error", "0.059", "0.012": before, which is empty where nothing was calibrated, and
// after.
std::vector<std::array<std::string, 3>> calibration_rows(const Calibration& calibration);

// "12 of 200 pictures (6.0%, 95% interval 3.5% to 10.2%)", and "180 of the 188 answered are right: 95.7% (95%
// interval 91.8% to 97.8%)". Of an evaluation with refusals.
std::string refused_sentence(const Evaluation& evaluation, std::string_view what = "pictures");
std::string answered_sentence(const Evaluation& evaluation);

// "refuses 2.0% of its own signs (95% interval 1.1% to 3.5%): what it is less than 61.2% sure of"; empty when
// the model refuses nothing.
std::string refusal_text(const Model& model);

// What intervals count: "5 hands", "700 photographs", "5,000 pictures".   unit: as Interval and Scores have
// it
std::string counted(std::string_view unit, int64_t units);

// "83.4%" of a share, "0.815" of anything else, "undefined"; and "72.1% to 91.0%", or nothing.
std::string score_text(double value, bool is_share);
std::string interval_text(const Score& score, bool is_share);

// All scores but those that say nothing: of two classes the truth is always among the first two.
std::span<const ScoreName> shown_scores(const Evaluation& evaluation);

// Different pairs of classes with images in them, mistakes first, most frequent first.
struct Confusion {
  size_t truth, predicted;
  int64_t count;
};
std::vector<Confusion> confusions(const Evaluation& evaluation);

}  // namespace mudra
