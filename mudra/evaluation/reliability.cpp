#include "mudra/evaluation/reliability.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "mudra/core/error.h"

namespace mudra {

Reliability reliability(std::span<const int32_t> truth, const Answers& answers) {
  if (truth.empty() || truth.size() != answers.size())
    throw Error(fmt::format("{} labels but {} answers", truth.size(), answers.size()), "reliability");
  constexpr size_t bins = 15;
  Reliability result;
  for (size_t b = 0; b < bins; ++b)
    result.bins.push_back({static_cast<double>(b) / bins, static_cast<double>(b + 1) / bins, 0, 0, 0});
  const auto images = static_cast<double>(truth.size());
  const auto classes = static_cast<size_t>(answers.classes);
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0 || truth[i] >= answers.classes)
      throw Error(fmt::format("label {} is not one of {} classes", truth[i], classes), "reliability");
    const auto label = static_cast<size_t>(truth[i]);
    double sum = 0, squares = 0;
    for (size_t k = 0; k < classes; ++k) {
      const double p = answers.probability(i, k);
      sum += p;
      squares += (p - (k == label)) * (p - (k == label));
    }
    result.brier += squares / images;
    const double p = answers.probability(i, label) / sum;
    result.log_loss -= std::log(std::clamp(p, std::numeric_limits<double>::epsilon(), 1.0)) / images;
    const size_t answer = answers.likeliest(i);
    const double confidence = answers.probability(i, answer);
    const auto at = static_cast<size_t>(std::max(0.0, std::ceil(confidence * bins) - 1));
    ReliabilityBin& bin = result.bins[std::min(at, bins - 1)];
    ++bin.n;
    bin.right += answer == label;
    bin.confidence += confidence;
  }
  for (ReliabilityBin& bin : result.bins) {
    result.expected_calibration_error += std::fabs(bin.confidence - static_cast<double>(bin.right)) / images;
    if (bin.n > 0) bin.confidence /= static_cast<double>(bin.n);
  }
  return result;
}

nlohmann::json to_json(const Reliability& reliability) {
  nlohmann::json bins = nlohmann::json::array();
  for (const ReliabilityBin& bin : reliability.bins) {
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"n", bin.n},
                    {"right", bin.right},
                    {"confidence", bin.confidence}});
  }
  return {{"expected_calibration_error", reliability.expected_calibration_error},
          {"brier", reliability.brier},
          {"log_loss", reliability.log_loss},
          {"bins", std::move(bins)}};
}

}  // namespace mudra
