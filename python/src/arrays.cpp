#include "arrays.h"

#include "mudra/core/error.h"
#include "mudra/training/trainer.h"

namespace mudra::python {
namespace {

// Memory that somebody else holds.
template <class T>
std::shared_ptr<const T> lent(const T* memory) {
  return {std::shared_ptr<void>(), memory};
}

}  // namespace

std::span<const float> ArrayView::values() const {
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  return {floats, count};
}

std::optional<ArrayView> view_of(const py::handle& object) {
  if (!py::isinstance<py::array>(object)) return {};
  const auto array = py::reinterpret_borrow<py::array>(object);
  if ((array.flags() & py::array::c_style) == 0) return {};
  ArrayView view;
  const py::dtype type = array.dtype();
  if (type.kind() == 'u' && type.itemsize() == 1) {
    view.bytes = static_cast<const uint8_t*>(array.data());
  } else if (type.kind() == 'f' && type.itemsize() == 4 && py::isinstance<py::array_t<float>>(object)) {
    view.floats = static_cast<const float*>(array.data());
  } else {
    return {};
  }
  view.shape.assign(array.shape(), array.shape() + array.ndim());
  return view;
}

ArrayView needed_view(const py::handle& array) {
  std::optional<ArrayView> view = view_of(array);
  if (!view) throw py::type_error("an array must be uint8 or float32, and C-contiguous");
  return *std::move(view);
}

Pixels pixels_of(const ArrayView& array, const ReadOptions& options, std::optional<Range>& range) {
  const Shape shape = image_shape(array.shape, options, "images");
  if (array.bytes != nullptr) return {shape, lent(array.bytes)};
  const std::span<const float> values = array.values();
  if (!range) {
    const PixelRange found = pixel_range(values, shape.per_example(), options, "images");
    range = {found.black, found.white};
  }
  const auto [black, white] = *range;
  if (black == 0) return {shape, lent(array.floats), white};
  std::vector<float> scaled(values.begin(), values.end());
  const float factor = 1 / (white - black);
  for (float& value : scaled) value = (value - black) * factor;
  return {shape, std::move(scaled), 1};
}

Pixels features_of(const ArrayView& array) {
  if (array.floats == nullptr || array.shape.size() != 2)
    throw Error("are no rows of float32", "features", "Give an array [N, features]");
  if (array.shape[1] < 1 || array.shape[1] > 4096)
    throw Error(std::to_string(array.shape[1]) + " features", "X", "Give 1 to 4096");
  return {{array.shape[0], 1, array.shape[1], 1}, lent(array.floats), 1};
}

Dataset dataset_of(const LabelledArray& from, Pixels pixels) {
  Dataset data;
  data.source = "the arrays given";
  data.pixels = std::move(pixels);
  data.classes = from.classes;
  data.labels = from.labels;
  data.example_weights = from.weights;
  if (from.groups) {
    data.groups = from.groups->of;
    data.group_names = from.groups->names;
  }
  return data;
}

std::unique_ptr<ThreadTeam> team_of(int threads, int64_t multiply_adds) {
  return std::make_unique<ThreadTeam>(
      threads == 1 ? 1 : worthwhile_threads(multiply_adds, threads_allowed({.threads = threads})));
}

Split split_between(const Dataset& train, const Dataset& test) {
  Fold fold;
  for (Row row = 0; row < train.labels.size() + test.labels.size(); ++row)
    (row < train.labels.size() ? fold.train : fold.test).push_back(row);
  return {"", {std::move(fold)}};
}

py::array file_array(const ConstParameter& parameter) {
  const std::vector<int64_t> shape = sizes(file_shape(parameter));
  return array_of(to_file_order(parameter), std::vector<py::ssize_t>(shape.begin(), shape.end()));
}

py::array images_array(const Pixels& pixels) {
  const Shape& s = pixels.shape();
  const std::vector<py::ssize_t> shape = {s[0], s[1], s[2], s[3]};
  const auto each = static_cast<size_t>(s.per_example());
  if (pixels.is_bytes()) {
    std::vector<uint8_t> bytes;
    bytes.reserve(each * static_cast<size_t>(s[0]));
    for (int64_t i = 0; i < s[0]; ++i) {
      const auto image = pixels.bytes(i);
      bytes.insert(bytes.end(), image.begin(), image.end());
    }
    return array_of(std::move(bytes), shape);
  }
  std::vector<float> values(each * static_cast<size_t>(s[0]));
  for (int64_t i = 0; i < s[0]; ++i) pixels.read(i, values.data() + static_cast<size_t>(i) * each);
  return array_of(std::move(values), shape);
}

}  // namespace mudra::python
