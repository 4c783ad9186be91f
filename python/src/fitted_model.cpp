#include "fitted_model.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "listener.h"
#include "mudra/box/box.h"
#include "mudra/box/model_facts.h"
#include "mudra/core/error.h"
#include "mudra/experiment/fit.h"
#include "mudra/features/prepare.h"
#include "mudra/inference/hand_cutter.h"
#include "mudra/inference/model_picture.h"
#include "mudra/network/summary.h"

namespace mudra::python {
namespace {

bool all_finite(std::span<const float> values) {
  constexpr float largest = std::numeric_limits<float>::max();
  int bad = 0;  // no early end: the loop becomes vectors
  for (const float value : values) bad |= static_cast<int>(!(std::fabs(value) <= largest));
  return bad == 0;
}

// The model's weights and running statistics by their names, in the shapes of the file.
py::dict weights_of(const Network& network) {
  py::dict weights;
  for (const auto& [name, parameter, trained] : network.parameters()) {
    weights[py::str(name)] = file_array(parameter);
  }
  return weights;
}

}  // namespace

// Images that can be asked about without the lock.
struct FittedModel::Question {
  ArrayView array;
  Pixels pixels;
  std::unique_ptr<ThreadTeam> team;
  int64_t images() const { return array.shape[0]; }
};

FittedModel::FittedModel(Model model, std::optional<Range> range)
    : range_(range),
      reads_features_(mudra::reads_features(model)),
      predictor_(std::make_shared<Predictor>(std::move(model))),
      process_(::getpid()) {}

const Predictor& FittedModel::predictor() const {
  if (const int now = ::getpid(); now != process_) {
    of_child_ = std::make_shared<Predictor>(model());
    process_ = now;
  }
  return of_child_ ? *of_child_ : *predictor_;
}

std::optional<FittedModel::Question> FittedModel::question(const py::object& images, int threads) const {
  std::optional<ArrayView> array = view_of(images);
  if (!array || array->shape.empty() || array->shape[0] == 0) return {};
  if (array->floats != nullptr && !all_finite(array->values())) return {};
  if (reads_features_ && array->floats == nullptr) return {};
  std::optional<Question> asked(std::in_place);
  const Preprocessing& wanted = model().preprocessing;
  auto range = range_;
  asked->pixels =
      reads_features_
          ? features_of(*array)
          : pixels_of(*array, {.height = wanted.height, .width = wanted.width, .channels = wanted.channels},
                      range);
  asked->array = *std::move(array);
  const int64_t together = std::min(answered_together, asked->images());
  asked->team = team_of(threads, together * model().network.multiply_adds());
  return asked;
}

py::object FittedModel::probabilities(const py::object& images, int threads) const {
  const std::optional<Question> asked = question(images, threads);
  if (!asked) return py::none();
  return ask(*asked, static_cast<int64_t>(model().classes.size()), true);
}

py::object FittedModel::logits(const py::object& images, int threads) const {
  const std::optional<Question> asked = question(images, threads);
  if (!asked) return py::none();
  Floats logits = ask(*asked, outputs_for(static_cast<int64_t>(model().classes.size())), false);
  const auto temperature = static_cast<float>(model().temperature);
  for (py::ssize_t i = 0; i < logits.size(); ++i) logits.mutable_data()[i] /= temperature;
  return logits;
}

Floats FittedModel::ask(const Question& asked, int64_t columns, bool probabilities) const {
  Floats out({asked.images(), columns});
  const std::span<float> to(out.mutable_data(), static_cast<size_t>(out.size()));
  const std::span<float> none;
  const Predictor& by = predictor();
  without_lock([&](Listener& listener) {
    by.answer(asked.pixels, *asked.team, probabilities ? none : to, probabilities ? to : none,
              listener.progress());
    return true;
  });
  return out;
}

Ints FittedModel::labels(const Floats& probabilities) const {
  const auto classes = static_cast<size_t>(probabilities.shape(1));
  Ints out(probabilities.shape(0));
  for (py::ssize_t i = 0; i < probabilities.shape(0); ++i)
    out.mutable_at(i) = predictor_->label_of({probabilities.data(i, 0), classes});
  return out;
}

py::tuple FittedModel::of_pictures(const py::object& images) const {
  std::optional<Range> range = range_;
  const Pixels pixels = pixels_of(needed_view(images), {}, range);
  const Predictor& by = predictor();
  return tuple_of(without_lock([&](Listener& listener) {
    std::vector<Answer> answers;
    for (int64_t i = 0; i < pixels.count() && !listener.has_failed(); ++i) {
      answers.push_back(by.answer(image_of(pixels, i)));
      listener.poll();
    }
    return answers;
  }));
}

py::tuple FittedModel::of_files(const std::vector<std::string>& files) const {
  const Predictor& by = predictor();
  return tuple_of(without_lock([&](Listener& listener) {
    std::vector<Answer> answers;
    for (size_t i = 0; i < files.size() && !listener.has_failed(); ++i) {
      answers.push_back(by.answer(read_picture_for(by.model(), files[i])));
      listener.poll();
    }
    return answers;
  }));
}

py::tuple FittedModel::tuple_of(const std::vector<Answer>& answers) const {
  const auto images = static_cast<py::ssize_t>(answers.size());
  const auto classes = static_cast<int64_t>(model().classes.size());
  Ints labels(images);
  Floats probabilities({images, static_cast<py::ssize_t>(classes)});
  Floats logits({images, static_cast<py::ssize_t>(outputs_for(classes))});
  const auto temperature = static_cast<float>(model().temperature);
  for (py::ssize_t i = 0; i < images; ++i) {
    const Answer& answer = answers[static_cast<size_t>(i)];
    labels.mutable_at(i) = answer.label;
    std::ranges::copy(answer.probabilities, probabilities.mutable_data(i, 0));
    std::ranges::transform(answer.logits, logits.mutable_data(i, 0),
                           [&](float z) { return z / temperature; });
  }
  return py::make_tuple(labels, probabilities, logits);
}

namespace {

// As bytes of a model file, which are all that unpickling reads.
py::bytes bytes_of_model(const FittedModel& model) {
  std::string bytes;
  {
    const py::gil_scoped_release unlocked;
    bytes = model_bytes(model.model());
  }
  return py::bytes(bytes);
}

std::shared_ptr<FittedModel> from_bytes(const py::bytes& bytes, const std::optional<Range>& range) {
  return std::make_shared<FittedModel>(model_from_bytes(static_cast<std::string_view>(bytes), "model"),
                                       range);
}

}  // namespace

void bind_fitted_model(py::module_& module) {
  using Self = FittedModel;
  py::class_<Self, std::shared_ptr<Self>>(module, "Model")
      .def_static("from_bytes", &from_bytes, py::arg("model"), py::arg("range") = py::none())
      .def_static("find",
                  [](const std::string& name) {
                    FoundModel found = without_lock([&](Listener&) { return find_model(name); });
                    return std::make_shared<Self>(std::move(found.model));
                  })
      .def("bytes", &bytes_of_model)
      .def("save",
           [](const Self& self, const std::string& path) {
             const py::gil_scoped_release unlocked;
             save_model(self.model(), path);
           })
      .def("probabilities", &Self::probabilities, py::arg("images"), py::arg("threads") = 1)
      .def("logits", &Self::logits, py::arg("images"), py::arg("threads") = 1)
      .def("labels", &Self::labels, py::arg("probabilities"))
      .def("of_pictures", &Self::of_pictures, py::arg("images"))
      .def("of_files", &Self::of_files, py::arg("files"))
      .def_property_readonly("classes", [](const Self& self) { return self.model().classes; })
      .def_property_readonly("range", &Self::range)
      .def_property_readonly("reads_features", &Self::reads_features)
      .def_property_readonly("finds_hands", [](const Self& self) { return finds_hands(self.model()); })
      .def_property_readonly("none_label", [](const Self& self) { return none_label(self.model()); })
      .def_property_readonly("temperature", [](const Self& self) { return self.model().temperature; })
      .def_property_readonly("rejection_threshold",
                             [](const Self& self) { return self.model().rejection_threshold; })
      .def_property_readonly("network", [](const Self& self) { return self.model().network.text(); })
      .def_property_readonly("input",
                             [](const Self& self) {  // height, width, channels
                               const Shape& input = self.model().network.input;
                               return py::make_tuple(input[1], input[2], input[3]);
                             })
      .def_property_readonly("weights", [](const Self& self) { return weights_of(self.model().network); })
      .def("facts_json", [](const Self& self,
                            const std::string& name) { return to_json(facts_of(self.model(), name)).dump(); })
      .def("summary_json", [](const Self& self, int64_t batch_size) {
        return to_json(summarize(self.model().network, batch_size)).dump();
      });
}

}  // namespace mudra::python
