// The library's functions on values, for python/mudra/_functions.py.
#pragma once

#include "fitted_model.h"

namespace mudra::python {

void bind_data(py::module_& module);        // what is read, rendered, changed and divided
void bind_evaluation(py::module_& module);  // what answers are worth, and why they are given
void bind_tuning(py::module_& module);

}  // namespace mudra::python
