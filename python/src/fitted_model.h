// A trained model as Python has it: it does not change, and may be asked from several threads at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "arrays.h"
#include "mudra/inference/predictor.h"
#include "mudra/network/model.h"

namespace mudra::python {

class FittedModel {
 public:
  // `range`: what float pixels mean; nothing: recognised in each array.
  explicit FittedModel(Model model, std::optional<Range> range = {});

  const Model& model() const { return predictor_->model(); }
  const std::optional<Range>& range() const { return range_; }
  bool reads_features() const { return reads_features_; }
  // The process's own: what a thread of the parent held while it forked would be held forever.
  const Predictor& predictor() const;

  // Of arrays [N, features], [N, H*W], [N, H, W] or [N, H, W, C]; None where another array has to be made of
  // it first, or a value is no finite number.
  py::object probabilities(const py::object& images, int threads) const;  // float32 [N, classes]
  py::object logits(const py::object& images, int threads) const;  // float32 [N, 1 or classes], calibrated
  Ints labels(const Floats& probabilities) const;                  // [N], -1: refused
  // Labels, probabilities and logits of pictures of any size, as `mudra predict` answers.
  py::tuple of_pictures(const py::object& images) const;
  py::tuple of_files(const std::vector<std::string>& files) const;

 private:
  struct Question;
  std::optional<Question> question(const py::object& images, int threads) const;
  Floats ask(const Question& asked, int64_t columns, bool probabilities) const;
  py::tuple tuple_of(const std::vector<Answer>& answers) const;

  std::optional<Range> range_;
  bool reads_features_;
  std::shared_ptr<const Predictor> predictor_;
  mutable std::shared_ptr<const Predictor> of_child_;
  mutable int process_;
};

void bind_fitted_model(py::module_& module);

}  // namespace mudra::python
