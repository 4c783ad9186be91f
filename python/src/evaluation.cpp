#include "mudra/evaluation/evaluation.h"

#include <nlohmann/json.hpp>

#include "functions.h"
#include "listener.h"
#include "mudra/core/error.h"
#include "mudra/experiment/fit.h"
#include "mudra/features/prepare.h"
#include "mudra/inference/occlusion.h"
#include "mudra/network/gradients.h"
#include "mudra/run/compare_runs.h"

namespace mudra::python {
namespace {

using NamedGroups = std::optional<std::pair<Ints, std::vector<std::string>>>;

Answers answers_of(const Ints& labels, const Floats& probabilities) {
  if (probabilities.ndim() != 2 || labels.size() != probabilities.shape(0))
    throw py::value_error("answers are labels [N] and probabilities [N, classes]");
  return {probabilities.shape(1), vector_of(labels), vector_of(probabilities)};
}

std::string evaluated(const Ints& truth, const Ints& labels, const Floats& probabilities,
                      const std::vector<std::string>& classes, const NamedGroups& groups, uint64_t seed) {
  const Answers answers = answers_of(labels, probabilities);
  const std::vector<int32_t> expected = vector_of(truth);
  const std::vector<int32_t> of = groups ? vector_of(groups->first) : std::vector<int32_t>();
  const std::vector<std::string> names = groups ? groups->second : std::vector<std::string>();
  const py::gil_scoped_release unlocked;
  const Evaluation found = evaluate(expected, answers, classes,
                                    {.groups = of, .photographs = {}, .seed = seed, .group_names = names});
  nlohmann::json document = to_json(found);
  document["warnings"] = warnings_of(found);
  document["classes"] = classes;
  return document.dump();
}

std::string compared(const Ints& truth, const std::vector<std::tuple<std::string, Ints, Floats>>& all,
                     const std::vector<std::string>& classes, const NamedGroups& groups) {
  std::vector<TestedRun> runs;
  for (const auto& [name, labels, probabilities] : all) {
    Predictions predictions;
    predictions.classes = classes;
    predictions.labels = vector_of(truth);
    predictions.answers = answers_of(labels, probabilities);
    for (Row row = 0; row < predictions.labels.size(); ++row) predictions.rows.push_back(row);
    if (groups) {
      predictions.groups = vector_of(groups->first);
      predictions.group_names = groups->second;
    }
    runs.push_back({name, {}, std::move(predictions)});
  }
  const py::gil_scoped_release unlocked;
  return to_json(compare_runs(std::move(runs))).dump();
}

// What of one picture [H, W] or [H, W, C] its answer hangs on.
py::dict saliency(const FittedModel& model, const py::object& picture, int threads) {
  auto range = model.range();
  const Pixels pixels = pixels_of(needed_view(picture), {}, range);
  const Predictor& predictor = model.predictor();
  const Occlusion found = without_lock([&](Listener& listener) {
    return listener.listen_during([&] {
      ThreadTeam team(threads_allowed({.threads = threads}));
      return occlusion(predictor, image_of(pixels, 0), team);
    });
  });
  std::vector<std::pair<float, float>> corners;
  for (const Point& corner : found.corners) corners.emplace_back(corner.x, corner.y);
  py::dict result;
  result["label"] = found.answer.label;
  result["confidence"] = found.answer.confidence;
  result["corners"] = corners;
  result["falls"] = array_of(found.falls, {found.side, found.side});
  return result;
}

// The mean loss of a batch and its gradient by every trained value, in the shapes of the file.
py::tuple gradients(const FittedModel& model, const py::object& images, const Ints& labels) {
  const Network& network = model.model().network;
  auto range = model.range();
  const ArrayView view = needed_view(images);
  const Preprocessing& wanted = model.model().preprocessing;
  const Pixels pixels = model.reads_features()
                            ? features_of(view)
                            : pixels_of(view, {.height = wanted.height, .width = wanted.width}, range);
  if (with_batch(pixels.shape(), 1) != network.input || labels.size() != pixels.count() ||
      !network.heads.empty())
    throw Error("needs images of the model's size with a label each, and a network without heads",
                "gradients");
  const std::vector<int32_t> of = vector_of(labels);
  const auto classes = static_cast<int64_t>(model.model().classes.size());
  const size_t frozen = model.reads_features() ? standardising_layers : 0;
  for (const int32_t label : of)
    if (label < 0 || label >= classes) throw Error("a label is none of the model's classes", "gradients");
  const LossGradients found = without_lock([&](Listener&) {
    Tensor x(pixels.shape());
    for (int64_t i = 0; i < pixels.count(); ++i) pixels.read(i, x.data() + i * network.input.elements());
    ThreadTeam team(1);
    return loss_gradients(network, x, of, classes, team, frozen);
  });
  py::dict all;
  for (const auto& [name, parameter, trained] : found.gradients.parameters()) {
    if (!trained || std::stoul(name) < frozen) continue;  // "3.weight" is of the fourth layer
    all[py::str(name)] = file_array(parameter);
  }
  return py::make_tuple(found.loss.mean, all);
}

}  // namespace

void bind_evaluation(py::module_& module) {
  module.def("evaluate_json", &evaluated, py::arg("truth"), py::arg("labels"), py::arg("probabilities"),
             py::arg("classes"), py::arg("groups"), py::arg("seed"));
  module.def("compare_json", &compared, py::arg("truth"), py::arg("answers"), py::arg("classes"),
             py::arg("groups"));
  module.def("saliency", &saliency, py::arg("model"), py::arg("picture"), py::arg("threads"));
  module.def("gradients", &gradients, py::arg("model"), py::arg("images"), py::arg("labels"));
}

}  // namespace mudra::python
