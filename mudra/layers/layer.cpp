#include "mudra/layers/layer.h"

#include <algorithm>
#include <cassert>

#include "mudra/simd/panels.h"
#include "mudra/simd/updates.h"

namespace mudra {
namespace {

// Calls visit(file index, memory index) for every value of the parameter.
template <class Visit>
void for_each_value(const ConstParameter& parameter, Visit visit) {
  const Packing& p = parameter.packing;
  if (p.outputs == 0) {
    for (int64_t i = 0; i < parameter.tensor->size(); ++i) visit(i, i);
    return;
  }
  const int64_t taps = p.kernel_height * p.kernel_width;
  const int64_t together = p.outputs / p.groups;
  const int64_t group_size = padded(together) * taps * p.inputs;
  int64_t file = 0;
  for (int64_t o = 0; o < p.outputs; ++o) {
    for (int64_t i = 0; i < p.inputs; ++i) {
      for (int64_t t = 0; t < taps; ++t) {
        visit(file++,
              o / together * group_size + panel_index(t * p.inputs + i, o % together, taps * p.inputs));
      }
    }
  }
}

}  // namespace

void sink_gradient(const GradientSink& sink, const Scalar* gradient, int64_t count, Scalar* target) {
  if (sink.descends()) return descend(sink.rate(), gradient, count, target);
  std::copy_n(gradient, count, target);
}

Shape file_shape(const ConstParameter& parameter) {
  const Packing& p = parameter.packing;
  if (p.outputs == 0) return parameter.tensor->shape();
  if (p.is_dense) return {p.outputs, p.inputs * p.kernel_height * p.kernel_width};
  return {p.outputs, p.inputs, p.kernel_height, p.kernel_width};
}

std::vector<int64_t> sizes(const Shape& shape) {
  std::vector<int64_t> all;
  for (int axis = 0; axis < shape.rank(); ++axis) all.push_back(shape[axis]);
  return all;
}

std::vector<Scalar> to_file_order(const ConstParameter& parameter) {
  std::vector<Scalar> values(static_cast<size_t>(file_shape(parameter).elements()));
  for_each_value(parameter, [&](int64_t file, int64_t memory) {
    values[static_cast<size_t>(file)] = (*parameter.tensor)[memory];
  });
  return values;
}

void from_file_order(const Parameter& parameter, const std::vector<Scalar>& values) {
  assert(static_cast<int64_t>(values.size()) == file_shape(parameter).elements());
  for_each_value(parameter, [&](int64_t file, int64_t memory) {
    (*parameter.tensor)[memory] = values[static_cast<size_t>(file)];
  });
}

}  // namespace mudra
