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
  float moved = 0, largest = 0;
};

float largest_of(const std::vector<float>& values, const std::vector<float>* less = nullptr) {
  float largest = 0;
  for (size_t i = 0; i < values.size(); ++i)
    largest = std::max(largest, std::fabs(values[i] - (less ? (*less)[i] : 0)));
  return largest;
}

// Weights that move little beside their size would look alike in all epochs: of those the change is shown.
SheetScale scale_of(const std::vector<EpochRecord>& epochs) {
  SheetScale scale;
  for (const EpochRecord& epoch : epochs) {
    scale.largest = std::max(scale.largest, largest_of(epoch.weights));
    scale.moved = std::max(scale.moved, largest_of(epoch.weights, &epochs[0].weights));
  }
  scale.shows_change = scale.moved > 0 && scale.moved < scale.largest / 4;
  scale.limit = std::max(1e-12F, scale.shows_change ? scale.moved : scale.largest);
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
    std::vector<float> values = epoch.weights;
    for (size_t i = 0; scale.shows_change && i < values.size(); ++i) values[i] -= epochs.epochs[0].weights[i];
    sheet = indexed_sheet(epochs.weights, values, scale.limit);
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
               {"moved", fmt::format("{:.2g}", scale.moved)},
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
