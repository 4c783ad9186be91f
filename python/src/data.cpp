#include <numeric>

#include "functions.h"
#include "listener.h"
#include "mudra/data/image_file.h"
#include "mudra/data/leaks.h"
#include "mudra/data/split.h"
#include "mudra/experiment/load_data.h"
#include "mudra/features/augment.h"
#include "mudra/synth/render_hands.h"

namespace mudra::python {
namespace {

py::dict dict_of(const Dataset& data, const std::string& text) {
  py::dict found;
  found["images"] = images_array(data.pixels);
  found["labels"] = array_of(data.labels, {static_cast<py::ssize_t>(data.labels.size())});
  found["classes"] = data.classes;
  found["groups"] = array_of(data.groups, {static_cast<py::ssize_t>(data.groups.size())});
  found["group_names"] = data.group_names;
  found["files"] = data.files;
  found["notes"] = data.notes;
  found["skipped"] = data.skipped;
  found["text"] = text;
  return found;
}

py::dict read_images(const Texts& options) {
  const LoadedData loaded = without_lock([&](Listener& listener) {
    const Options chosen = make_options({}, options);
    ThreadTeam team(threads_allowed(chosen.run));
    return load_data(chosen.data, chosen.seed, team, listener.progress());
  });
  return dict_of(loaded.data, loaded.text);
}

py::array read_files(const std::vector<std::string>& files, const std::string& size) {
  return images_array(without_lock([&](Listener& listener) {
    const SizeOption chosen = SizeOption::parse(size);
    return read_pictures(
        files,
        {.height = chosen.height, .width = chosen.width, .channels = 0, .progress = listener.progress()});
  }));
}

py::dict rendered(int64_t count, int size, uint64_t seed, double none_fraction, const std::string& domain,
                  bool colour, int threads) {
  const SynthOptions options{count, size, seed, none_fraction, domain, colour};
  return dict_of(without_lock([&](Listener& listener) {
                   ThreadTeam team(threads_allowed({.threads = threads}));
                   return render_hands(options, team, listener.progress());
                 }),
                 "");
}

// Images as `epoch` of a training with this seed would see them: floats 0..1.
py::array augmented(const py::object& images, const std::string& augment, uint64_t seed, uint32_t epoch) {
  std::optional<Range> range;
  const Pixels pixels = pixels_of(needed_view(images), {}, range);
  const Shape& shape = pixels.shape();
  const auto each = static_cast<size_t>(shape.per_example());
  std::vector<float> values(each * static_cast<size_t>(shape[0]));
  std::vector<Row> rows(static_cast<size_t>(shape[0]));
  std::iota(rows.begin(), rows.end(), Row{0});
  for (const Row row : rows) pixels.read(row, values.data() + row * each);
  Augmenter augmenter(Augmentation::parse(augment), with_batch(shape, 1), shape[0]);
  {
    const py::gil_scoped_release unlocked;
    ThreadTeam team(1);
    augmenter.apply(values.data(), shape[0], seed, epoch, rows, team);
  }
  return array_of(std::move(values), {shape[0], shape[1], shape[2], shape[3]});
}

py::list split_of(const std::string& how, uint64_t seed, const Ints& labels,
                  const std::vector<std::string>& classes,
                  const std::optional<std::pair<Ints, std::vector<std::string>>>& groups) {
  Dataset data;
  data.source = "the labels given";
  data.labels = vector_of(labels);
  data.classes = classes;
  if (groups) {
    data.groups = vector_of(groups->first);
    data.group_names = groups->second;
  }
  const auto images = static_cast<int64_t>(data.labels.size());
  data.pixels = Pixels({images, 1, 1, 1}, std::vector<uint8_t>(data.labels.size()));
  py::list folds;
  for (Fold& fold : make_split(data, how, seed).folds) {
    const auto rows = [](const std::vector<Row>& of) {
      return array_of(std::vector<int64_t>(of.begin(), of.end()), {static_cast<py::ssize_t>(of.size())});
    };
    folds.append(py::make_tuple(rows(fold.train), rows(fold.test), fold.name));
  }
  return folds;
}

// (test, train, similarity, degrees) of each test image with its near copies.
std::vector<std::tuple<int64_t, int64_t, float, float>> pairs_of(const LabelledArray& train,
                                                                 const LabelledArray& test, int threads) {
  std::optional<Range> range, test_range;
  const Dataset parts[] = {dataset_of(train, pixels_of(needed_view(train.images), {}, range)),
                           dataset_of(test, pixels_of(needed_view(test.images), {}, test_range))};
  return without_lock([&](Listener& listener) {
    const LeakReport report = listener.listen_during([&] {
      ThreadTeam team(threads_allowed({.threads = threads}));
      return find_leaks(joined(parts), split_between(parts[0], parts[1]), team, {},
                        Progress({}, listener.stop()));
    });
    std::vector<std::tuple<int64_t, int64_t, float, float>> pairs;
    for (const Twins& twins : report.pairs)
      pairs.emplace_back(twins.test - parts[0].size(), twins.train, twins.similarity, twins.degrees);
    return pairs;
  });
}

}  // namespace

void bind_data(py::module_& module) {
  module.def("read_images", &read_images, py::arg("options"));
  module.def("read_pictures", &read_files, py::arg("files"), py::arg("size"));
  module.def("render_hands", &rendered, py::arg("count"), py::arg("size"), py::arg("seed"),
             py::arg("none_fraction"), py::arg("domain"), py::arg("colour"), py::arg("threads"));
  module.def("augment", &augmented, py::arg("images"), py::arg("augment"), py::arg("seed"), py::arg("epoch"));
  module.def("split", &split_of, py::arg("how"), py::arg("seed"), py::arg("labels"), py::arg("classes"),
             py::arg("groups"));
  module.def("find_near_copies", &pairs_of, py::arg("train"), py::arg("test"), py::arg("threads"));
}

}  // namespace mudra::python
