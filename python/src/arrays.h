// NumPy's arrays as images and data sets, without copies; they must outlive what is made of them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mudra/core/thread_team.h"
#include "mudra/data/dataset.h"
#include "mudra/data/images_in_memory.h"
#include "mudra/data/split.h"
#include "mudra/experiment/options.h"
#include "mudra/layers/layer.h"

namespace mudra::python {

namespace py = pybind11;

using Ints = py::array_t<int32_t, py::array::c_style>;
using Floats = py::array_t<float, py::array::c_style>;
using Texts = std::map<std::string, std::string>;

// The values that mean black and white: (0.0, 255.0).
using Range = std::pair<float, float>;

// An array that C++ reads where it is: uint8 or float32, C-contiguous.
struct ArrayView {
  const uint8_t* bytes = nullptr;  // one of the two
  const float* floats = nullptr;
  std::vector<int64_t> shape;

  std::span<const float> values() const;
};

// Nothing for any other array.
std::optional<ArrayView> view_of(const py::handle& array);
// Throws TypeError for any other.
ArrayView needed_view(const py::handle& array);

// The same as pixels [N, H, W, C]. `range` is what floats mean, and is set if it is nothing; bytes need none.
Pixels pixels_of(const ArrayView& array, const ReadOptions& options, std::optional<Range>& range);
// Rows of features [N, 1, F, 1].
Pixels features_of(const ArrayView& array);

// Whose hand each image shows.
struct Groups {
  std::vector<int32_t> of;
  std::vector<std::string> names;
};

// What training, testing and searching are given, as it comes from Python.
struct LabelledArray {
  py::object images;
  std::vector<int32_t> labels;
  std::vector<std::string> classes;
  std::optional<Groups> groups;
  std::vector<float> weights;
};
Dataset dataset_of(const LabelledArray& from, Pixels pixels);

// Those of the first train, those of the second test: rows of both joined.
Split split_between(const Dataset& train, const Dataset& test);

template <class T>
std::vector<T> vector_of(const py::array_t<T, py::array::c_style>& array) {
  return {array.data(), array.data() + array.size()};
}

// A NumPy array that owns the vector's memory.
template <class T>
py::array array_of(std::vector<T> values, std::vector<py::ssize_t> shape) {
  auto* const kept = new std::vector<T>(std::move(values));
  const py::capsule owner(kept, [](void* memory) { delete static_cast<std::vector<T>*>(memory); });
  return py::array_t<T>(std::move(shape), kept->data(), owner);
}

// As many of `threads` (0: all there are) as so many multiply-adds are worth.
std::unique_ptr<ThreadTeam> team_of(int threads, int64_t multiply_adds);

// A parameter of a network, in the shape of the file.
py::array file_array(const ConstParameter& parameter);
// Images [N, H, W, C]: bytes as bytes, others as floats 0..1.
py::array images_array(const Pixels& pixels);

}  // namespace mudra::python
