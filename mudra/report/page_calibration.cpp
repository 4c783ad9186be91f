#include "mudra/report/page_calibration.h"

#include "mudra/core/text.h"
#include "mudra/report/page_parts.h"
#include "mudra/report/summary.h"

namespace mudra {
namespace {

Json bins_of(const Reliability& reliability) {
  Json bins = Json::array();
  for (const ReliabilityBin& bin : reliability.bins) {
    if (bin.n == 0) continue;
    bins.push_back({number(bin.confidence),
                    number(static_cast<double>(bin.right) / static_cast<double>(bin.n)), bin.n,
                    percent(bin.low), percent(bin.high)});
  }
  return bins;
}

std::vector<std::string> words_of(const RunRecord& record) {
  std::string sentence = calibration_sentence(record.calibration);
  sentence[0] = 'C';
  std::vector<std::string> words = {sentence + "."};
  words.emplace_back(
      record.calibration.before
          ? "Calibration divides what the network computes by one number, found on pictures that it had not "
            "learned from. It changes how sure an answer is, not which one it is."
          : "The model is not calibrated: that takes pictures it has not learned from, as training with "
            "`--validation 0.2` or several folds sets them aside.");
  if (const auto& before = record.calibration.before;
      before && before->expected_calibration_error < record.calibration.after.expected_calibration_error) {
    words.back() +=
        " On these pictures it did not help: it was found on others, which were easier or harder than these.";
  }
  if (record.evaluation.refusals) {
    if (!record.refusal.empty()) words.push_back("The model " + record.refusal + ".");
    words.push_back("Here it refused " + refused_sentence(record.evaluation) + "; " +
                    answered_sentence(record.evaluation) + ".");
  }
  return words;
}

}  // namespace

Json calibration_of(const RunRecord& record) {
  const Calibration& known = record.calibration;
  if (known.after.bins.empty()) return nullptr;
  return {{"after", bins_of(known.after)},
          {"before", known.before ? bins_of(*known.before) : Json()},
          {"rows", calibration_rows(known)},
          {"words", cleaned(words_of(record))}};
}

}  // namespace mudra
