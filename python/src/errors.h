// mudra::Error becomes mudra.Error, with the three parts of its text.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>

#include "mudra/core/error.h"

namespace mudra::python {

namespace py = pybind11;

inline void raise(const Error& error) {
  const auto& [what, where, remedy] = error.parts();
  const py::object type = py::module_::import("mudra._errors").attr("Error");
  const py::object made = type(error.what(), what, where, remedy);
  PyErr_SetObject(type.ptr(), made.ptr());
}

inline void translate_errors() {
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& error) {
      raise(error);
    }
  });
}

}  // namespace mudra::python
