// mudra._onnx: a model as ONNX. A module of its own, for it alone needs ONNX and protobuf.
#include "errors.h"
#include "mudra/core/atomic_file.h"
#include "mudra/export/onnx.h"

namespace mudra::python {

PYBIND11_MODULE(_onnx, module) {
  module.doc() = "Models for other programs; use mudra.export.";
  translate_errors();
  module.def("export", [](const py::bytes& model, const std::string& path) {
    const std::string bytes(model);
    const py::gil_scoped_release unlocked;
    write_file_atomically(path, onnx_bytes(model_from_bytes(bytes, "model")));
  });
}

}  // namespace mudra::python
