#include "mudra/run/record.h"

#include <variant>

#include "mudra/network/loss.h"
#include "mudra/training/options.h"

namespace mudra {
namespace {

// The first layer with weights, if it is dense and so looks at pixels.
const Dense* first_dense(const Network& network) {
  for (const AnyLayer& layer : network.layers) {
    if (const Dense* dense = std::get_if<Dense>(&layer)) return dense;
    if (!std::holds_alternative<Flatten>(layer)) return nullptr;
  }
  return nullptr;
}

// [units, H, W, C] from the file's order [units, C * H * W].
std::vector<float> weight_images(const Dense& dense, const Shape& image) {
  Dense copy = dense;
  const std::vector<Scalar> flat = to_file_order(copy.parameters.list()[0]);
  const int64_t pixels = image[1] * image[2], channels = image[3];
  std::vector<float> images(flat.size());
  for (int64_t unit = 0; unit < dense.out; ++unit) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < pixels; ++p) {
        images[static_cast<size_t>((unit * pixels + p) * channels + c)] =
            flat[static_cast<size_t>((unit * channels + c) * pixels + p)];
      }
    }
  }
  return images;
}

}  // namespace

RunRecord make_record(const Run& run) {
  RunRecord record;
  record.command = "mudra train --options " + (run.folder / "options.toml").string();
  for (const auto& [name, text] : to_pairs(run.options)) record.options.push_back({name, text});
  record.data = run.data.source + ": " + std::to_string(run.data.size()) + " images, " +
                std::to_string(run.data.classes.size()) + " classes";
  const Fold& fold = run.split.folds[0];
  record.split = std::to_string(fold.train.size()) + " to train, ";
  if (!fold.validation.empty()) record.split += std::to_string(fold.validation.size()) + " to validate, ";
  record.split += std::to_string(fold.test.size()) + " held out, " + run.split.description;
  record.network = run.initial.text() + ", " + std::to_string(run.initial.parameter_count()) + " parameters";
  for (const Epoch& epoch : run.histories[0]) {
    record.history.push_back({epoch.number, epoch.loss_train, epoch.loss_held_out, epoch.accuracy_train,
                              epoch.accuracy_held_out, epoch.loss_validation, epoch.accuracy_validation});
  }
  record.kept_epoch = run.kept_epoch;
  record.evaluation = run.test;
  record.test = run.data.select(run.test_rows);
  const int64_t classes = static_cast<int64_t>(run.data.classes.size());
  for (size_t i = 0; i < run.test_rows.size(); ++i) {
    record.predicted.push_back(
        winner(run.test_probabilities.data() + static_cast<int64_t>(i) * classes, classes));
  }
  const auto probabilities = run.test_probabilities.values();
  record.probabilities.assign(probabilities.begin(), probabilities.end());
  const Dense* before = first_dense(run.initial);
  const Dense* after = first_dense(run.model.network);
  if (before && after) {
    const Shape& image = run.initial.input;
    record.weights = {{before->out, image[1], image[2], image[3]},
                      weight_images(*before, image),
                      weight_images(*after, image)};
  }
  record.seconds = {run.seconds.load, run.seconds.train, run.seconds.evaluate, run.seconds.total};
  return record;
}

}  // namespace mudra
