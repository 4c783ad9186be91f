// Losses against PyTorch.
#include <gtest/gtest.h>

#include "mudra/network/heads_loss.h"
#include "mudra/network/loss.h"
#include "tests/torch_reference.h"

namespace mudra {
namespace {

TEST(Loss, ValuesAndGradientsMatchPyTorch) {
  MUDRA_NEEDS_TORCH();
  const ScratchFolder folder;
  ASSERT_EQ(run_reference("torch_layers.py", "losses '" + folder.path().string() + "'"), 0);
  constexpr double tolerance = sizeof(Scalar) == 8 ? 1e-12 : 1e-6;
  const auto cases = reference_cases(folder.path());
  ASSERT_GE(cases.size(), 5U);
  for (const std::vector<std::string>& fields : cases) {
    SCOPED_TRACE(fields[1] + " classes, smoothing " + fields[2]);
    const int64_t classes = std::stoll(fields[1]), rows = std::stoll(fields[3]);
    LossOptions options;
    options.label_smoothing = std::stod(fields[2]);
    Loss loss(classes, rows, options);
    const Shape shape = {rows, classes == 2 ? 1 : classes};
    const Tensor logits = channels_last(reference(folder.path(), fields[0] + ".logits"), shape);
    Tensor dlogits(shape);
    spoil(dlogits);
    const auto labels = read_raw<int32_t>(folder.path() / (fields[0] + ".labels.i32"));
    const double expected = reference(folder.path(), fields[0] + ".loss")[0];
    EXPECT_NEAR(loss(logits, labels, dlogits).mean, expected, tolerance * std::max(1.0, expected));
    expect_close(dlogits.values(), reference(folder.path(), fields[0] + ".dlogits"), tolerance, "dlogits");
  }
}

TEST(HeadsLoss, ValuesAndGradientsMatchPyTorch) {
  MUDRA_NEEDS_TORCH();
  const ScratchFolder folder;
  ASSERT_EQ(run_reference("torch_layers.py", "heads '" + folder.path().string() + "'"), 0);
  constexpr double tolerance = sizeof(Scalar) == 8 ? 1e-12 : 1e-6;
  const auto cases = reference_cases(folder.path());
  ASSERT_GE(cases.size(), 4U);
  for (const std::vector<std::string>& fields : cases) {
    SCOPED_TRACE(fields[1] + ", smoothing " + fields[2]);
    const std::vector<Head> heads = parse_heads("heads(" + fields[1] + ")", {});
    const int64_t rows = std::stoll(fields[3]), places = std::stoll(fields[4]);
    const auto read = [&](const std::string& name, const Shape& shape) {
      Tensor tensor(shape);
      const std::vector<double> values = reference(folder.path(), fields[0] + "." + name);
      EXPECT_EQ(std::ssize(values), shape.elements());
      for (size_t i = 0; i < values.size(); ++i)
        tensor[static_cast<int64_t>(i)] = static_cast<Scalar>(values[i]);
      return tensor;
    };
    const Tensor outputs = read("outputs", {rows, places, channels_of(heads)});
    const Tensor targets = read("targets", {rows, places, target_values_of(heads)});
    const Tensor weights = read("weights", {rows});
    Tensor doutputs(outputs.shape());
    spoil(doutputs);
    HeadsLoss loss(heads, places, rows, {std::stod(fields[2])});
    const double expected = reference(folder.path(), fields[0] + ".loss")[0];
    EXPECT_NEAR(loss(outputs, targets, doutputs, weights.values()).mean, expected,
                tolerance * std::max(1.0, expected));
    double largest = 0;
    const auto gradient = reference(folder.path(), fields[0] + ".doutputs");
    for (size_t i = 0; i < gradient.size(); ++i) {
      largest = std::max(largest, std::fabs(gradient[i]));
      ASSERT_NEAR(static_cast<double>(doutputs[static_cast<int64_t>(i)]), gradient[i], tolerance / 10) << i;
    }
    EXPECT_GT(largest, 1e-3);
  }
}

}  // namespace
}  // namespace mudra
