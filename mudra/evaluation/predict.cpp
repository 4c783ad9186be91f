#include "mudra/evaluation/predict.h"

#include <algorithm>

#include "mudra/core/error.h"
#include "mudra/network/loss.h"
#include "mudra/network/plan.h"

namespace mudra {

Predictions predict(const Network& network, int64_t classes, const Dataset& data, std::span<const Row> rows,
                    ThreadTeam& team) {
  constexpr int64_t batch = answered_together;
  const int64_t count = static_cast<int64_t>(rows.size());
  Shape shape = data.pixels.shape();
  shape[0] = 1;
  if (shape != network.input) {
    throw Error("images of shape " + shape.text() + " do not fit a network for " + network.input.text(),
                data.source, "Bring them to the model's size");
  }
  const int64_t outputs = network.outputs();
  Predictions result{{}, Tensor({count, classes}), Tensor({count, outputs})};
  if (count == 0) return result;
  Plan plan(network, std::min(batch, count), Plan::Mode::infer);
  shape[0] = plan.max_batch();
  Tensor x(shape);
  for (int64_t begin = 0; begin < count; begin += batch) {
    shape[0] = std::min(batch, count - begin);
    x.reshape(shape);
    for (int64_t i = 0; i < shape[0]; ++i) {
      data.pixels.read(rows[static_cast<size_t>(begin + i)], x.data() + i * shape.per_example());
    }
    Tensor part = Tensor::borrow(result.probabilities.data() + begin * classes, {shape[0], classes});
    const Tensor& logits = plan.infer(network, x, Context{team});
    std::copy_n(logits.data(), logits.size(), result.logits.data() + begin * outputs);
    probabilities(logits, classes, part);
    for (int64_t i = 0; i < shape[0]; ++i)
      result.labels.push_back(argmax(part.data() + i * classes, classes));
  }
  return result;
}

void Answers::append(const Answers& more) {
  labels.insert(labels.end(), more.labels.begin(), more.labels.end());
  confidence.insert(confidence.end(), more.confidence.begin(), more.confidence.end());
  truth.insert(truth.end(), more.truth.begin(), more.truth.end());
}

Answers answers_for(const Network& network, const Dataset& data, std::span<const Row> rows,
                    ThreadTeam& team) {
  constexpr size_t together = 8192;
  const auto classes = static_cast<int64_t>(data.classes.size());
  Answers answers;
  answers.labels.reserve(rows.size());
  answers.confidence.reserve(rows.size());
  answers.truth.reserve(rows.size());
  for (size_t begin = 0; begin < rows.size(); begin += together) {
    const auto some = rows.subspan(begin, std::min(together, rows.size() - begin));
    const Predictions found = predict(network, classes, data, some, team);
    for (size_t i = 0; i < some.size(); ++i) {
      const Scalar* of_classes = found.probabilities.data() + static_cast<int64_t>(i) * classes;
      answers.labels.push_back(found.labels[i]);
      answers.confidence.push_back(static_cast<float>(of_classes[found.labels[i]]));
      answers.truth.push_back(static_cast<float>(of_classes[data.labels[some[i]]]));
    }
  }
  return answers;
}

}  // namespace mudra
