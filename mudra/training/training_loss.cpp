#include "mudra/training/training_loss.h"

#include <algorithm>

#include "mudra/core/error.h"

namespace mudra {
namespace {

constexpr std::string_view targets_layout =
    "At each place stand, head after head, a weight and the head's values";

// Whether labels can stand for targets.
bool takes_labels(const Network& network) {
  return network.heads.size() == 1 && network.heads[0].kind == HeadKind::classes && places_of(network) == 1;
}

}  // namespace

void check_targets(const Network& network, const Dataset& data, const Augmentation& augment) {
  if (network.heads.empty()) return;
  const std::string heads = "`" + heads_text(network.heads) + "`";
  const Shape y = network.shapes().back();
  const bool are_places = y.rank() == 4;
  const Shape wanted = {are_places ? y[1] : 1, are_places ? y[2] : 1, target_values_of(network.heads)};
  if (!data.targets) {
    if (takes_labels(network)) return check_classifier(network, std::ssize(data.classes), data.source);
    throw Error("has no targets for " + heads, data.source,
                "Give images with targets of shape " + wanted.text() + " each");
  }
  if (data.targets->shape() != wanted) {
    throw Error("has targets of shape " + data.targets->shape().text() + " for an image, but " + heads +
                    " needs " + wanted.text(),
                data.source, targets_layout);
  }
  if (!augment.geometric().empty()) {
    throw usage_error("moves what is in the images, but their targets would stay where they are",
                      "augment item '" + std::string(augment.geometric()) + "'",
                      "Leave it out: brightness, noise and the like may change");
  }
}

TrainingLoss::TrainingLoss(const Network& network, const Dataset& data, int64_t max_batch,
                           const LossOptions& options)
    : data_(data), heads_(network.heads) {
  if (heads_.empty()) {
    by_label_.emplace(std::ssize(data.classes), max_batch, options);
    return;
  }
  const int64_t places = places_of(network);
  by_target_.emplace(heads_, places, max_batch, options);
  targets_ = Tensor({max_batch, places, target_values_of(heads_)});
}

BatchLoss TrainingLoss::operator()(const Tensor& outputs, std::span<const int32_t> labels,
                                   std::span<const Row> rows, Tensor& doutputs,
                                   std::span<const Scalar> weights, std::span<int64_t> answered) {
  if (by_label_) return (*by_label_)(outputs, labels, doutputs, weights, {}, answered);
  return (*by_target_)(outputs, targets_of(labels, rows), doutputs, weights, {}, answered);
}

const Tensor& TrainingLoss::targets_of(std::span<const int32_t> labels, std::span<const Row> rows) {
  targets_.reshape({std::ssize(rows), targets_.shape()[1], targets_.shape()[2]});
  const int64_t size = targets_.shape().per_example();
  for (size_t i = 0; i < rows.size(); ++i) {
    Scalar* to = targets_.data() + static_cast<int64_t>(i) * size;
    if (!data_.targets) {
      to[0] = 1, to[1] = static_cast<Scalar>(labels[i]);
      continue;
    }
    data_.targets->read(rows[i], to);
    const std::string problem = problem_of_targets(heads_, std::span(to, static_cast<size_t>(size)));
    if (problem.empty()) continue;
    throw Error("image " + std::to_string(data_.source_row(rows[i])) + " (counted from 0) " + problem,
                data_.source, targets_layout);
  }
  return targets_;
}

int64_t counted_classes(const Network& network, const Dataset& data) {
  if (network.heads.empty()) return std::ssize(data.classes);
  const auto head = std::ranges::find(network.heads, HeadKind::classes, &Head::kind);
  return head == network.heads.end() ? 0 : head->channels;
}

}  // namespace mudra
