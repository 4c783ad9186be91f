// Losses against PyTorch.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mudra
