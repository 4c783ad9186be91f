// Every layer against PyTorch: values, gradients, running statistics.
#include <gtest/gtest.h>

#include <set>

#include "mudra/network/network.h"
#include "tests/torch_reference.h"

namespace mudra {
namespace {

constexpr double torch_tolerance = sizeof(Scalar) == 8 ? 1e-12 : 2e-6;

template <class L>
class TorchCase {
 public:
  TorchCase(L layer, const std::filesystem::path& folder, const std::string& number, const Shape& input)
      : layer_(std::move(layer)), folder_(folder), number_(number), input_(input) {}

  void run() {
    for (const Parameter& p : list(layer_.parameters)) set(p);
    for (const Parameter& p : list(layer_.state)) set(p);
    const Tensor x = channels_last(expected("x"), input_);
    const Shape shape = layer_.output_shape(input_);
    auto saved = layer_.make_saved(input_, Mode::train);
    Tensor y(shape);
    if (!list(layer_.state).empty()) {
      spoil(y);
      layer_.infer(x, y, saved, context_);
      expect_close(channels_first(y), expected("infer"), torch_tolerance, "infer");
    }
    spoil(y);
    forward(layer_, x, y, saved, context_);
    expect_close(channels_first(y), expected("y"), torch_tolerance, "y");
    const Tensor dy = channels_last(expected("dy"), shape);
    Tensor dx(input_);
    spoil(dx);
    L grad = layer_;
    for (const Parameter& p : list(grad.parameters)) spoil(*p.tensor);
    layer_.backward({x, y, dy, context_}, saved, dx);
    if constexpr (HasGradients<L>)
      layer_.gradients({x, y, dy, context_}, saved, grad.parameters, GradientSink::store());
    expect_close(channels_first(dx), expected("dx"), torch_tolerance, "dx");
    for (const Parameter& p : list(grad.parameters)) {
      expect_close(to_file_order(p), expected("d" + std::string(p.name)), torch_tolerance,
                   "d" + std::string(p.name));
    }
    if constexpr (requires { layer_.update_state(saved, 0.1); }) {
      layer_.update_state(saved, 0.1);
      for (const Parameter& p : list(layer_.state)) {
        expect_close(to_file_order(p), expected(std::string(p.name) + "_after"), torch_tolerance,
                     std::string(p.name));
      }
    }
  }

 private:
  std::vector<double> expected(const std::string& name) { return reference(folder_, number_ + "." + name); }
  void set(const Parameter& p) {
    const std::vector<double> values = expected(std::string(p.name));
    ASSERT_EQ(static_cast<int64_t>(values.size()), file_shape(p).elements()) << p.name;
    from_file_order(p, std::vector<Scalar>(values.begin(), values.end()));
  }

  L layer_;
  std::filesystem::path folder_;
  std::string number_;
  Shape input_;
  ThreadTeam team_{3};
  Context context_{team_};
};

template <class... L>
std::set<std::string> all_kinds(const std::variant<L...>*) {
  std::set<std::string> kinds;
  ((Layer<L> ? void(kinds.insert(std::string(L::kind))) : void()), ...);
  return kinds;
}

TEST(Layers, ValuesAndGradientsMatchPyTorch) {
  MUDRA_NEEDS_TORCH();
  const ScratchFolder folder;
  ASSERT_EQ(run_reference("torch_layers.py", "layers '" + folder.path().string() + "'"), 0);
  std::set<std::string> left = all_kinds(static_cast<const AnyLayer*>(nullptr));
  left.erase("dropout");  // its mask is Mudra's own: see dropout_test.cpp
  for (const std::vector<std::string>& fields : reference_cases(folder.path())) {
    SCOPED_TRACE(fields[1] + " on " + fields[2]);
    std::istringstream sizes(fields[2]);
    std::vector<int64_t> s;
    for (int64_t size = 0; sizes >> size;) s.push_back(size);
    const Shape input = s.size() == 4 ? Shape{s[0], s[2], s[3], s[1]} : Shape{s[0], s[1]};
    std::visit(
        [&]<class L>(const L& layer) {
          left.erase(std::string(L::kind));
          if constexpr (Layer<L>) TorchCase<L>(layer, folder.path(), fields[0], input).run();
        },
        Network::parse(fields[1] + ", relu", input, 1).layers.front());
  }
  EXPECT_TRUE(left.empty()) << "no case for " << *left.begin();
}

}  // namespace
}  // namespace mudra
