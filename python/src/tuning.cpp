#include <nlohmann/json.hpp>

#include "functions.h"
#include "listener.h"
#include "mudra/core/error.h"
#include "mudra/tuning/tune.h"

namespace mudra::python {
namespace {

// A search on arrays. Its trials stand in `file`, which it goes on with when there are some.
// (JSON of the result, the best options by their names)
py::tuple tuned(const Texts& given, const Texts& choices, const LabelledArray& learn, bool features,
                const std::string& file, bool refits) {
  if (features)
    throw Error("are searched for images only", "options",
                "Give images: input=\"images\" where rows are such");
  const Options options = make_options({}, given);
  TuneOptions chosen;
  const auto choice = [&](const char* name, const auto& set) {
    if (const auto found = choices.find(name); found != choices.end()) set(found->second);
  };
  choice("space", [&](const std::string& text) { chosen.space = text; });
  choice("trials", [&](const std::string& text) {
    set_from_text({"trials", "", {1, 1e6}}, chosen.trials, text);
  });
  choice("time", [&](const std::string& text) { chosen.seconds = parse_duration(text, "--time"); });
  choice("inner", [&](const std::string& text) { chosen.inner = text; });
  choice("halving", [&](const std::string& text) {
    set_from_text({"halving", "", {1, 100}}, chosen.halving, text);
  });
  std::vector<std::string> names;
  for (const auto& [name, text] : given) names.push_back(name);
  const ReadOptions read{.height = options.data.size.height, .width = options.data.size.width};
  std::optional<Range> range;
  Dataset data = dataset_of(learn, pixels_of(needed_view(learn.images), read, range));
  struct Found {
    std::string json;
    Texts options;
  };
  const Found found = without_lock([&](Listener& listener) {
    return listener.listen_during([&] {
      const Tuning tuning = prepare_tuning(std::move(data), options, chosen, names);
      TuneEvents events;
      events.stop = listener.stop();
      const TuningResult result = run_tuning(tuning, file, events);
      nlohmann::json document = to_json(tuning, result);
      document["split"] = tuning.split.description;
      Found made;
      for (const auto& [name, text] : option_texts(best_options(tuning, result.last())))
        made.options[name] = text;
      if (refits) {
        const std::optional<Refit> tested = refit(tuning, result, listener.stop());
        if (!tested) throw Error("stopped while the best was trained", "tune", "Go on with the same file");
        document["test"] = to_json(tested->result.test);
        document["test"]["classes"] = tested->result.test.classes;
      }
      made.json = document.dump();
      return made;
    });
  });
  return py::make_tuple(found.json, found.options);
}

}  // namespace

void bind_tuning(py::module_& module) {
  module.def("tune_json", &tuned, py::arg("options"), py::arg("choices"), py::arg("learn"),
             py::arg("features"), py::arg("file"), py::arg("refit"));
}

}  // namespace mudra::python
