// mudra._core: the library for Python. What is thin and typed around it stands in python/mudra.
#include "errors.h"
#include "fitted_model.h"
#include "fitting.h"
#include "functions.h"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ core of mudra; use the package `mudra`.";
  mudra::python::translate_errors();
  mudra::python::bind_fitted_model(module);
  mudra::python::bind_fitting(module);
  mudra::python::bind_data(module);
  mudra::python::bind_evaluation(module);
  mudra::python::bind_tuning(module);
}
