#include "mudra/report/kept_epochs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <variant>

#include "mudra/core/error.h"
#include "mudra/experiment/kept_epochs.h"
#include "mudra/report/page_parts.h"
#include "mudra/report/pictures.h"

namespace mudra {
namespace {

constexpr size_t most_read = 40;      // epochs
constexpr size_t most_followed = 12;  // examples, whose answers are told for every epoch

// The weights of the first layer with any, if it looks at pixels.
std::optional<ConstParameter> first_weights(const Network& network) {
  for (const AnyLayer& layer : network.layers) {
    if (const auto* dense = std::get_if<Dense>(&layer)) return list(dense->parameters)[0];
    if (const auto* conv = std::get_if<Conv2d>(&layer)) return list(conv->parameters)[0];
    if (!std::holds_alternative<Flatten>(layer)) break;
  }
  return {};
}

// Which units are drawn, and how large; nothing when the first layer is none to be drawn.
void choose_units(const Experiment& experiment, KeptEpochs& epochs) {
  const auto weights = first_weights(experiment.initial.network);
  if (!weights || experiment.options.training.freeze > 0) return;
  const Packing& packing = weights->packing;
  const int64_t pixels = packing.kernel_height * packing.kernel_width;
  if (pixels > most_sheet_pixels) return;
  const int64_t drawn = std::min({most_units, packing.outputs, most_sheet_pixels / pixels});
  epochs.weights = Shape{drawn, packing.kernel_height, packing.kernel_width};
  epochs.units = packing.outputs;
  epochs.is_conv = !packing.is_dense;
}

// [units, H, W], the mean over colours, from the file's order [units, C, H, W].
std::vector<float> drawn_weights(const Network& network, const KeptEpochs& epochs) {
  if (epochs.weights.rank() == 0) return {};
  const ConstParameter weights = first_weights(network).value();
  const std::vector<Scalar> flat = to_file_order(weights);
  const int64_t pixels = epochs.weights[1] * epochs.weights[2], colours = weights.packing.inputs;
  std::vector<float> drawn;
  for (const size_t unit :
       evenly_spread(static_cast<size_t>(epochs.weights[0]), static_cast<size_t>(epochs.units))) {
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      float sum = 0;
      for (int64_t c = 0; c < colours; ++c)
        sum += flat[static_cast<size_t>((static_cast<int64_t>(unit) * colours + c) * pixels + pixel)];
      drawn.push_back(sum / static_cast<float>(colours));
    }
  }
  return drawn;
}

// Of the page's examples, and if they are few of its other pictures, those that the shown training held out:
// half of them mistakes, if there are so many. Its images are the last ones of the test.
std::vector<Row> followed_rows(const Experiment& experiment, const RunRecord& record) {
  const size_t held_out = experiment.training(experiment.shown_training()).test.size();
  const size_t first = record.answers.size() - held_out;
  std::vector<Row> wrong, right, followed;
  for (const Row row : dealt_rows(record, most_examples, record.answers.size()).rows) {
    const bool is_right = record.answers.labels[row] == record.test.labels[row];
    if (row >= first) (is_right ? right : wrong).push_back(row);
  }
  const size_t mistakes = std::min(
      wrong.size(), std::max(most_followed / 2, most_followed - std::min(right.size(), most_followed)));
  followed.assign(wrong.begin(), wrong.begin() + static_cast<int64_t>(mistakes));
  const size_t others = std::min(right.size(), most_followed - mistakes);
  followed.insert(followed.end(), right.begin(), right.begin() + static_cast<int64_t>(others));
  return followed;
}

EpochRecord read_epoch(const RunRecord& record, const KeptEpochs& epochs, const std::filesystem::path& folder,
                       int number) {
  const Predictions told = read_kept_answers(folder, number);
  std::map<Row, uint32_t> place;  // of an image of the source
  for (uint32_t i = 0; i < told.rows.size(); ++i) place[told.rows[i]] = i;
  std::vector<uint32_t> followed;
  for (const Row row : epochs.rows) {
    const auto at = place.find(record.test.source_row(row));
    if (at == place.end() || told.classes.size() != record.evaluation.classes.size()) {
      throw Error("the answers of epoch " + std::to_string(number) + " are for other images",
                  (folder / "epochs").string(), "Remove this folder to get a report without them");
    }
    followed.push_back(at->second);
  }
  return {number, confusion_matrix(told.labels, told.answers.labels, told.classes.size()),
          told.answers.select(followed), drawn_weights(read_kept_model(folder, number).network, epochs)};
}

}  // namespace

KeptEpochs read_kept_epochs(const Experiment& experiment, const RunRecord& record,
                            const std::filesystem::path& folder) {
  KeptEpochs epochs;
  if (experiment.options.run.keep_epochs == 0) return epochs;
  const std::vector<int> kept = kept_epochs_in(folder);
  epochs.kept = kept.size();
  epochs.rows = followed_rows(experiment, record);
  choose_units(experiment, epochs);
  for (const size_t i : evenly_spread(most_read, kept.size()))
    epochs.epochs.push_back(read_epoch(record, epochs, folder, kept[i]));
  return epochs;
}

}  // namespace mudra
