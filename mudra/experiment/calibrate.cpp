#include "mudra/experiment/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "mudra/core/text.h"
#include "mudra/evaluation/interval.h"
#include "mudra/inference/calibration.h"
#include "mudra/inference/predictor.h"

namespace mudra {
namespace {

struct Fitted {
  double temperature = 1, rejection_threshold = 0;
};

// Images with answers of temperature 1.
struct Pooled {
  std::vector<Row> rows;
  std::vector<int32_t> truth;
  Answers answers;

  void add(const Dataset& data, const AnsweredRows& part) {
    rows.insert(rows.end(), part.rows.begin(), part.rows.end());
    for (const Row row : part.rows) truth.push_back(data.labels[row]);
    answers.append(part.answers);
  }

  // Those that show a sign.
  Pooled signs(int32_t none) const {
    Pooled kept;
    std::vector<uint32_t> images;
    for (uint32_t i = 0; i < truth.size(); ++i) {
      if (truth[i] == none) continue;
      images.push_back(i);
      kept.rows.push_back(rows[i]);
      kept.truth.push_back(truth[i]);
    }
    kept.answers = answers.select(images);
    return kept;
  }

  // Photographs, where they are known: rotated copies of one are one observation.
  int64_t independent(const Dataset& data) const {
    if (data.photographs.empty()) return static_cast<int64_t>(rows.size());
    std::set<int32_t> seen;
    for (const Row row : rows) seen.insert(data.photographs[row]);
    return static_cast<int64_t>(seen.size());
  }

  // What the threshold refuses of these images, which all show signs and which it was fitted to.
  std::string refusal(const Dataset& data, const Fitted& fitted) const {
    const Answers calibrated = tempered(answers, 1 / fitted.temperature);
    std::vector<uint8_t> refusals;
    for (size_t i = 0; i < calibrated.size(); ++i)
      refusals.push_back(static_cast<double>(calibrated.confidence(i)) < fitted.rejection_threshold);
    std::vector<int32_t> photographs;
    for (const Row row : rows) {
      if (!data.photographs.empty()) photographs.push_back(data.photographs[row]);
    }
    const Interval interval = accuracy_interval(refusals, {.photographs = photographs});
    const auto count = static_cast<double>(std::ranges::count(refusals, 1));
    return fmt::format("refuses {} of its own signs (95% interval {} to {})",
                       percent(count / static_cast<double>(refusals.size())), percent(interval.low),
                       percent(interval.high));
  }

  // To the model.
  Fitted fit(const Dataset& data, double refuse, Model& model) const {
    const int32_t none = none_label(model);
    const Fitted fitted = fit(data, refuse, none);
    model.temperature = fitted.temperature;
    model.rejection_threshold = fitted.rejection_threshold;
    if (fitted.rejection_threshold > 0) model.card["refusal"] = signs(none).refusal(data, fitted);
    return fitted;
  }

  Fitted fit(const Dataset& data, double refuse, int32_t none) const {
    const double temperature = fit_temperature(truth, answers, independent(data));
    if (refuse == 0) return {temperature, 0};
    return {temperature, rejection_threshold(tempered(signs(none).answers, 1 / temperature), refuse)};
  }
};

void apply(const Fitted& fitted, int32_t none, Answers& answers) {
  answers = tempered(answers, 1 / fitted.temperature);
  for (size_t i = 0; i < answers.size(); ++i) {
    if (static_cast<double>(answers.confidence(i)) < fitted.rejection_threshold) answers.labels[i] = none;
  }
}

}  // namespace

Calibration calibrate_by_validation(const Dataset& data, double refuse, const AnsweredRows& validation,
                                    std::span<const int32_t> truth, Answers& tested, Model& model) {
  Calibration found{reliability(truth, tested), {}};
  if (validation.rows.empty()) return found;
  Pooled known;
  known.add(data, validation);
  const Fitted fitted = known.fit(data, refuse, model);
  apply(fitted, none_label(model), tested);
  found.before = std::move(found.after);
  found.after = reliability(truth, tested);
  return found;
}

void calibrate_by_validation(const Dataset& data, double refuse, const AnsweredRows& validation,
                             Model& model) {
  if (validation.rows.empty()) return;
  Pooled known;
  known.add(data, validation);
  known.fit(data, refuse, model);
}

Calibration calibrate_by_folds(const Dataset& data, double refuse, std::vector<AnsweredRows>& tested,
                               Model& model) {
  Pooled all;
  for (const AnsweredRows& part : tested) all.add(data, part);
  std::vector<Fitted> fitted;
  for (const AnsweredRows& part : tested) {
    Pooled others;
    for (const AnsweredRows& other : tested) {
      if (&other != &part) others.add(data, other);
    }
    fitted.push_back(others.fit(data, refuse, none_label(model)));
  }
  all.fit(data, refuse, model);
  Pooled after;
  for (size_t i = 0; i < tested.size(); ++i) {
    apply(fitted[i], none_label(model), tested[i].answers);
    after.add(data, tested[i]);
  }
  return {reliability(after.truth, after.answers), reliability(all.truth, all.answers)};
}

nlohmann::json to_json(const Calibration& calibration) {
  return {{"before", calibration.before ? to_json(*calibration.before) : nlohmann::json()},
          {"after", to_json(calibration.after)}};
}

}  // namespace mudra
