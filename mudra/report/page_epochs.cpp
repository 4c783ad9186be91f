#include "mudra/report/page_epochs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "mudra/core/base64.h"
#include "mudra/core/text.h"
#include "mudra/data/image_file.h"
#include "mudra/experiment/kept_epochs.h"
#include "mudra/report/page_parts.h"
#include "mudra/report/pictures.h"

namespace mudra {
namespace {

// What the sheets of all epochs have in common, so that they can be compared.
struct SheetScale {
  bool shows_change = false;  // since the first epoch
  float limit = 0;            // the value of the full colour
  float largest = 0;          // weight
};

using Weights = std::vector<float>;

Weights difference(const Weights& a, const Weights& b) {
  Weights found = a;
  for (size_t i = 0; i < found.size(); ++i) found[i] -= b[i];
  return found;
}

float largest_of(const Weights& values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

double square_sum(const Weights& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

// Weights that move by less than half their size (root mean squares) look alike in all epochs: what is
// learned drowns in what they began with. Of those the change is shown.
SheetScale scale_of(const std::vector<EpochRecord>& epochs) {
  SheetScale scale;
  float moved = 0;
  for (const EpochRecord& epoch : epochs) {
    scale.largest = std::max(scale.largest, largest_of(epoch.weights));
    moved = std::max(moved, largest_of(difference(epoch.weights, epochs[0].weights)));
  }
  const Weights& last = epochs.back().weights;
  scale.shows_change = moved > 0 && square_sum(difference(last, epochs[0].weights)) < square_sum(last) / 4;
  scale.limit = std::max(1e-12F, scale.shows_change ? moved : scale.largest);
  return scale;
}

Json cells_of(const EpochRecord& epoch, size_t classes) {
  if (classes > most_in_matrix) return nullptr;
  Json cells = Json::array();
  for (size_t i = 0; i < epoch.confusion.size(); ++i) {
    if (epoch.confusion[i] > 0) cells.push_back({i / classes, i % classes, epoch.confusion[i]});
  }
  return cells;
}

Json answers_of(const RunRecord& record, const EpochRecord& epoch) {
  Json answers = Json::array();
  for (size_t i = 0; i < record.epochs.rows.size(); ++i) {
    const auto truth = static_cast<size_t>(record.test.labels[record.epochs.rows[i]]);
    const auto of_truth = static_cast<double>(epoch.answers.probability(i, truth));
    answers.push_back({epoch.answers.labels[i], percent(static_cast<double>(epoch.answers.confidence(i))),
                       percent(of_truth), number(of_truth)});
  }
  return answers;
}

Json epoch_of(const RunRecord& record, const EpochRecord& epoch, const SheetScale& scale, Image& sheet) {
  const KeptEpochs& epochs = record.epochs;
  const size_t classes = record.evaluation.classes.size();
  int64_t right = 0;
  for (size_t c = 0; c < classes; ++c) right += epoch.confusion[c * classes + c];
  Json drawn;
  if (epochs.weights.rank() > 0) {
    sheet = indexed_sheet(
        epochs.weights,
        scale.shows_change ? difference(epoch.weights, epochs.epochs[0].weights) : epoch.weights,
        scale.limit);
    drawn = base64(encode_png(sheet, sheet_palette()));
  }
  return {{"number", epoch.number},
          {"right", right},
          {"cells", cells_of(epoch, classes)},
          {"answers", answers_of(record, epoch)},
          {"sheet", std::move(drawn)}};
}

}  // namespace

Json epochs_of(const RunRecord& record) {
  const KeptEpochs& epochs = record.epochs;
  if (epochs.epochs.empty()) return nullptr;
  const SheetScale scale = scale_of(epochs.epochs);
  std::vector<Json> all;
  size_t bytes = 0;
  Image sheet;
  for (const EpochRecord& epoch : epochs.epochs) {
    all.push_back(epoch_of(record, epoch, scale, sheet));
    bytes += all.back().dump().size();
  }
  Json shown = Json::array(), pictures = Json::array(), weights;
  for (const size_t i :
       evenly_spread(std::max<size_t>(2, all.size() * most_epoch_bytes / std::max(bytes, most_epoch_bytes)),
                     all.size()))
    shown.push_back(std::move(all[i]));
  for (const Row row : epochs.rows) pictures.push_back(bare_picture(record, row));
  if (epochs.weights.rank() > 0) {
    weights = {{"width", sheet.width},
               {"height", sheet.height},
               {"units", epochs.weights[0]},
               {"of", epochs.units},
               {"conv", epochs.is_conv},
               {"change", scale.shows_change},
               {"limit", fmt::format("{:.2g}", scale.limit)},
               {"largest", fmt::format("{:.2g}", scale.largest)}};
  }
  const std::vector<int64_t>& confusion = epochs.epochs[0].confusion;
  return {{"kept", epochs.kept},
          {"images", std::reduce(confusion.begin(), confusion.end())},
          {"pictures", std::move(pictures)},
          {"weights", std::move(weights)},
          {"own", record.calibration.before.has_value() || record.evaluation.refused > 0},
          {"shown", std::move(shown)}};
}

}  // namespace mudra
