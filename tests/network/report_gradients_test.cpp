// One step of the report's experiment against NumPy in double precision.
#include <gtest/gtest.h>

#include <cmath>

#include "mudra/network/gradients.h"
#include "tests/network/report_network.h"

namespace mudra {
namespace {

TEST(ReportExperiment, GradientsOfTheFirstStepMatchNumPy) {
  if (!python_has("numpy")) GTEST_SKIP() << "NumPy is not installed";
  const ScratchFolder folder;
  ASSERT_EQ(run_reference("report_experiment.py", "random '" + folder.path().string() + "' 5 >/dev/null"), 0);
  const Network network = report_network(folder.path());
  const auto images = read_raw<uint8_t>(folder.path() / "images.u8");
  const auto labels = read_raw<int32_t>(folder.path() / "labels.i32");
  const auto split = read_raw<int64_t>(folder.path() / "split.i64");
  Tensor x({32, 28, 28, 1});
  std::vector<int32_t> y(32);
  for (size_t n = 0; n < 32; ++n) {
    const auto row = static_cast<size_t>(split[n]);
    y[n] = labels[row];
    for (size_t i = 0; i < 784; ++i)
      x.values()[n * 784 + i] = static_cast<Scalar>(images[row * 784 + i] / 255.0);
  }
  ThreadTeam team(1);
  Network gradients = loss_gradients(network, x, y, 2, team).gradients;

  const double tolerance = sizeof(Scalar) == 8 ? 1e-10 : 1e-5;
  const std::pair<const char*, const char*> pairs[] = {
      {"1.weight", "dw1.f64"}, {"1.bias", "db1.f64"}, {"3.weight", "dw2.f64"}, {"3.bias", "db2.f64"}};
  for (const Network::Named& named : gradients.parameters()) {
    for (const auto& [name, file] : pairs) {
      if (named.name != name) continue;
      const auto expected = read_raw<double>(folder.path() / file);
      const auto found = to_file_order(named.parameter);
      ASSERT_EQ(found.size(), expected.size()) << name;
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(found[i]), expected[i], tolerance) << name << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace mudra
