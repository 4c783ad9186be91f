// mudra._core: the library for Python. What is thin and typed around it stands in python/mudra.
#include "fitted_model.h"
#include "fitting.h"
#include "functions.h"
#include "mudra/core/error.h"

namespace mudra::python {
namespace {

// mudra.Error with the three parts of its text.
void translate(const py::object& type, const Error& error) {
  const auto& [what, where, remedy] = error.parts();
  py::object made = type(error.what());
  made.attr("what") = what;
  made.attr("where") = where;
  made.attr("remedy") = remedy;
  PyErr_SetObject(type.ptr(), made.ptr());
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ core of mudra; use the package `mudra`.";
  static const py::handle error_type =
      py::object(py::module_::import("mudra._errors").attr("Error")).release();
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& error) {
      translate(py::reinterpret_borrow<py::object>(error_type), error);
    }
  });
  bind_fitted_model(module);
  bind_fitting(module);
  bind_data(module);
  bind_evaluation(module);
  bind_tuning(module);
}

}  // namespace mudra::python
