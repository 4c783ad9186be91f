// Training, as Python asks for it.
#pragma once

#include "fitted_model.h"

namespace mudra::python {

void bind_fitting(py::module_& module);

}  // namespace mudra::python
