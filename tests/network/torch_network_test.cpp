// Whole networks against PyTorch: some steps of SGD from the same weights.
#include <gtest/gtest.h>

#include "mudra/network/loss.h"
#include "mudra/network/plan.h"
#include "tests/network/architectures.h"
#include "tests/torch_reference.h"

namespace mudra {
namespace {

// One batch at a time, [batch, C, H, W] of the reference.
Tensor batch_of(const std::vector<double>& all, int64_t step, const Shape& shape) {
  const auto first = all.begin() + step * shape.elements();
  return channels_last({first, first + shape.elements()}, shape);
}

constexpr int64_t batch = 5, steps = 3;
constexpr double rate = 0.01;
constexpr double within = sizeof(Scalar) == 8 ? 1e-10 : 1e-4;
const Shape images = {batch, 20, 28, 2};

struct Case {
  Network network;
  int64_t classes;
  std::filesystem::path folder;

  Case(const std::string& line, int64_t class_count, const std::filesystem::path& at)
      : network(Network::parse(line, {1, 20, 28, 2}, outputs_for(class_count))),
        classes(class_count),
        folder(at) {
    std::filesystem::create_directory(folder);
    std::ofstream out(folder / "items.txt");
    out << "2 20 28 " << classes << " " << batch << " " << steps << " " << rate << "\n";
    for (const std::string& item : network.items()) out << item << "\n";
  }
};

void check(const Case& given) {
  const auto& [parsed, classes, folder] = given;
  Network network = parsed;
  for (const Network::Named& named : network.parameters()) {
    const auto values = reference(folder, named.name);
    ASSERT_EQ(static_cast<int64_t>(values.size()), file_shape(named.parameter).elements()) << named.name;
    from_file_order(named.parameter, std::vector<Scalar>(values.begin(), values.end()));
  }
  const auto x = reference(folder, "x");
  const auto labels = read_raw<int32_t>(folder / "labels.i32");
  const auto losses = reference(folder, "losses");
  ThreadTeam team(2);
  Plan plan(network, batch, Plan::Mode::train);
  Loss loss(classes, batch);
  const Context context{team};
  for (int64_t s = 0; s < steps; ++s) {
    const Tensor images_now = batch_of(x, s, images);
    const std::span<const int32_t> truth(labels.data() + s * batch, batch);
    const Tensor& logits = plan.forward(network, images_now, context);
    const double found = loss(logits, truth, plan.logits_gradient()).mean;
    EXPECT_NEAR(found, losses[static_cast<size_t>(s)], within) << "step " << s;
    plan.descend(network, images_now, static_cast<Scalar>(rate), context);
    plan.update_state(network);
  }
  for (const Network::Named& named : network.parameters()) {
    expect_close(to_file_order(named.parameter), reference(folder, named.name + "_after"), within,
                 named.name);
  }
  Plan answers(network, batch, Plan::Mode::infer);
  expect_close(answers.infer(network, batch_of(x, 0, images), Context{team}).values(),
               reference(folder, "answers"), within, "answers");
}

TEST(Network, StepsOfSgdMatchPyTorch) {
  MUDRA_NEEDS_TORCH();
  const ScratchFolder folder;
  std::vector<Case> cases;
  std::string folders;
  for (const std::string& line : architectures()) {
    cases.emplace_back(line, cases.size() % 2 == 0 ? 2 : 5, folder.path() / std::to_string(cases.size()));
    folders += " '" + cases.back().folder.string() + "'";
  }
  ASSERT_EQ(run_reference("torch_layers.py", "networks" + folders), 0);
  for (const Case& one : cases) {
    SCOPED_TRACE(one.network.text());
    check(one);
  }
}

}  // namespace
}  // namespace mudra
