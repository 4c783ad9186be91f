#include "fitting.h"

#include <limits>

#include "listener.h"
#include "mudra/data/leaks.h"
#include "mudra/experiment/fit.h"

namespace mudra::python {
namespace {

// What is given to a training beside its options.
struct FitRequest {
  LabelledArray learn;
  std::optional<LabelledArray> watch;
  bool are_features = false;
  std::optional<Range> range;
  std::string state;  // to go on from
  int epochs = 0;     // now; 0: as many as the options say
};

struct FitOutcome {
  std::shared_ptr<FittedModel> model;
  Fitted fitted;
  Texts options;                         // all of them, as they were in the end
  py::object interruption = py::none();  // what Ctrl-C or a callback raised
};

py::dict dict_of(const Epoch& epoch) {
  py::dict one;
  one["epoch"] = epoch.number;
  one["learning_rate"] = epoch.rate;
  const std::pair<const char*, double> values[] = {{"loss_train", epoch.loss_train},
                                                   {"accuracy_train", epoch.accuracy_train},
                                                   {"loss_validation", epoch.loss_validation},
                                                   {"accuracy_validation", epoch.accuracy_validation},
                                                   {"loss_held_out", epoch.loss_held_out},
                                                   {"accuracy_held_out", epoch.accuracy_held_out},
                                                   {"seconds", epoch.seconds}};
  for (const auto& [name, value] : values) one[name] = value;
  return one;
}

Pixels pixels_given(const LabelledArray& from, const Options& options, bool are_features,
                    std::optional<Range>& range) {
  const ArrayView view = needed_view(from.images);
  if (are_features) return features_of(view);
  const ReadOptions read{.height = options.data.size.height,
                         .width = options.data.size.width,
                         .black = static_cast<float>(options.data.range.black),
                         .white = static_cast<float>(options.data.range.white)};
  return pixels_of(view, read, range);
}

FitOutcome fit_to(const Texts& given, FitRequest request, const py::object& epoch_callback) {
  const Options options = make_options({}, given);
  FitData data;
  data.are_features = request.are_features;
  data.data =
      dataset_of(request.learn, pixels_given(request.learn, options, request.are_features, request.range));
  if (request.watch) {
    data.watched = dataset_of(*request.watch,
                              pixels_given(*request.watch, options, request.are_features, request.range));
  }
  FitOutcome outcome;
  Listener listener;
  {
    const py::gil_scoped_release unlocked;
    const Experiment experiment = prepare_fit(std::move(data), options);
    const TrainingOptions& training = experiment.options.training;
    const auto images = std::min<int64_t>(training.batch_size, std::ssize(experiment.training(0).train));
    ThreadTeam team(
        worthwhile_threads(network_to_train(experiment), images, threads_allowed(experiment.options.run)));
    TrainingEvents events;
    events.step = [&](const Trainer&) { listener.poll(); };
    if (!epoch_callback.is_none()) {
      events.epoch = [&](const Trainer&, const Epoch& epoch) {
        listener.call([&] { epoch_callback(dict_of(epoch), training.epochs); });
      };
    }
    outcome.fitted = fit(experiment, team, request.state,
                         request.epochs > 0 ? request.epochs : training.epochs, events, listener.stop());
    for (const auto& [name, text] : option_texts(experiment.options)) outcome.options[name] = text;
    outcome.model = std::make_shared<FittedModel>(std::move(outcome.fitted.model), request.range);
  }
  try {
    listener.raise();
  } catch (const py::error_already_set& error) {
    outcome.interruption = error.value();
  }
  return outcome;
}

// Test images with a near copy among those that train.
std::optional<int64_t> near_copies(const LabelledArray& train, const LabelledArray& test, int threads) {
  std::optional<Range> range;
  const Dataset parts[] = {dataset_of(train, pixels_of(needed_view(train.images), {}, range)),
                           dataset_of(test, pixels_of(needed_view(test.images), {}, range))};
  return without_lock([&](Listener& listener) {
    return listener.listen_during([&] {
      ThreadTeam team(threads_allowed({.threads = threads}));
      return count_near_copies(joined(parts), split_between(parts[0], parts[1]), team);
    });
  });
}

// Of a fifth of the groups: how many images there are, and how many have a near copy in the other groups.
std::optional<std::pair<int64_t, int64_t>> near_copies_across_groups(const LabelledArray& given,
                                                                     int threads) {
  std::optional<Range> range;
  const Dataset data = dataset_of(given, pixels_of(needed_view(given.images), {}, range));
  return without_lock([&](Listener& listener) {
    return listener.listen_during([&]() -> std::optional<std::pair<int64_t, int64_t>> {
      ThreadTeam team(threads_allowed({.threads = threads}));
      const Split split = make_split(data, "group:0.8", 1, true);
      const std::optional<int64_t> copies = count_near_copies(data, split, team);
      if (!copies) return {};
      return {{std::ssize(split.folds[0].test), *copies}};
    });
  });
}

py::list list_of_options() {
  py::list all;
  const Options options;
  describe(options, [&](const OptionInfo& option, const auto& value) {
    all.append(py::make_tuple(std::string(option.name), std::string(option.group), std::string(option.help),
                              text_of(value)));
  });
  return all;
}

}  // namespace

void bind_fitting(py::module_& module) {
  py::class_<LabelledArray>(module, "LabelledArray")
      .def("__len__", [](const LabelledArray& self) { return self.labels.size(); })
      .def(py::init([](py::object images, const Ints& labels, std::vector<std::string> classes,
                       const std::optional<std::pair<Ints, std::vector<std::string>>>& groups,
                       const std::optional<Floats>& weights) {
             LabelledArray made{std::move(images), vector_of(labels), std::move(classes), {}, {}};
             if (groups) made.groups = Groups{vector_of(groups->first), groups->second};
             if (weights) made.weights = vector_of(*weights);
             return made;
           }),
           py::arg("images"), py::arg("labels"), py::arg("classes"), py::arg("groups") = py::none(),
           py::arg("weights") = py::none());
  py::class_<FitOutcome>(module, "FitOutcome")
      .def_readonly("model", &FitOutcome::model)
      .def_readonly("options", &FitOutcome::options)
      .def_readonly("interruption", &FitOutcome::interruption)
      .def_property_readonly("history",
                             [](const FitOutcome& self) {
                               py::list all;
                               for (const Epoch& epoch : self.fitted.history) all.append(dict_of(epoch));
                               return all;
                             })
      .def_property_readonly("kept_epoch", [](const FitOutcome& self) { return self.fitted.kept_epoch; })
      .def_property_readonly("ending",
                             [](const FitOutcome& self) { return std::string(name_of(self.fitted.ending)); })
      .def_property_readonly("problem", [](const FitOutcome& self) { return self.fitted.problem; })
      .def_property_readonly("warnings",
                             [](const FitOutcome& self) {
                               std::vector<std::string> texts;
                               for (const TrainingWarning& warning : self.fitted.warnings)
                                 texts.push_back(warning.text);
                               return texts;
                             })
      .def_property_readonly("state", [](const FitOutcome& self) { return py::bytes(self.fitted.state); });
  module.def(
      "fit",
      [](const Texts& options, const LabelledArray& learn, const std::optional<LabelledArray>& watch,
         bool features, const std::optional<Range>& range, const py::bytes& state, int epochs,
         const py::object& epoch) {
        return fit_to(options, {learn, watch, features, range, std::string(state), epochs}, epoch);
      },
      py::arg("options"), py::arg("learn"), py::arg("watch"), py::arg("features"), py::arg("range"),
      py::arg("state"), py::arg("epochs"), py::arg("epoch"));
  module.def("near_copies", &near_copies, py::arg("train"), py::arg("test"), py::arg("threads") = 1);
  module.def("near_copies_across_groups", &near_copies_across_groups, py::arg("images"),
             py::arg("threads") = 1);
  module.def("options", &list_of_options);
  module.def("look_like_images", [](const py::object& array) {
    const ArrayView view = needed_view(array);
    return view.floats != nullptr && view.shape.size() == 2 && look_like_images(view.values(), view.shape[1]);
  });
  // Where an array's memory begins as C++ reads it: that of the array itself.
  module.def("address_read", [](const py::object& array) {
    const ArrayView view = needed_view(array);
    return reinterpret_cast<uintptr_t>(view.bytes != nullptr ? static_cast<const void*>(view.bytes)
                                                             : static_cast<const void*>(view.floats));
  });
}

}  // namespace mudra::python
