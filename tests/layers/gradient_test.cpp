// Every layer against central differences, on sizes that all differ.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "mudra/layers/layers.h"

namespace mudra {
namespace {

constexpr bool is_double = sizeof(Scalar) == 8;
constexpr double step_size = is_double ? 1e-5 : 1e-2;
constexpr double tolerance = is_double ? 1e-6 : 1e-3;

// Values well away from zero, where some activations have a kink, and from each other, where pooling has.
void fill(Tensor& tensor, Rng& rng) {
  std::vector<int64_t> ranks(static_cast<size_t>(tensor.size()));
  std::iota(ranks.begin(), ranks.end(), int64_t{1});
  rng.shuffle(std::span(ranks));
  const double spacing = std::min(0.03, 2.7 / static_cast<double>(ranks.size()));
  for (size_t i = 0; i < ranks.size(); ++i) {
    const double magnitude = 0.1 + spacing * static_cast<double>(ranks[i]);
    tensor.values()[i] = static_cast<Scalar>(rng.chance(0.5) ? magnitude : -magnitude);
  }
}

void fill_with_nan(Tensor& tensor) { tensor.fill(std::numeric_limits<Scalar>::quiet_NaN()); }

template <class L>
class GradientCheck {
 public:
  explicit GradientCheck(const LayerCase<L>& given)
      : layer_(given.layer),
        team_(2),
        x_(given.input),
        y_(layer_.output_shape(given.input)),
        weights_(y_.shape()) {
    Rng rng(7, Purpose::test);
    layer_.initialize(Initialization::normal, rng);
    for (const Parameter& p : list(layer_.parameters)) {
      std::vector<Scalar> values = to_file_order(p);
      for (Scalar& value : values) value = static_cast<Scalar>(rng.uniform(-1, 1));
      from_file_order(p, values);
    }
    fill(x_, rng);
    fill(weights_, rng);
  }

  void run() {
    auto saved = layer_.make_saved(x_.shape(), Mode::train);
    fill_with_nan(y_);
    forward(layer_, x_, y_, saved, context_);
    for (const Scalar value : y_.values()) ASSERT_TRUE(std::isfinite(value)) << "forward left a value unset";
    Tensor dx(x_.shape());
    L grad = layer_;
    fill_with_nan(dx);
    for (const Parameter& p : list(grad.parameters)) fill_with_nan(*p.tensor);
    layer_.backward({x_, y_, weights_, context_}, saved, dx);
    if constexpr (HasGradients<L>) {
      layer_.gradients({x_, y_, weights_, context_}, saved, grad.parameters, GradientSink::store());
    }
    for (int64_t i = 0; i < x_.size(); ++i) expect_slope(x_[i], dx[i], "dx", i);
    const auto parameters = list(layer_.parameters);
    const auto slopes = list(grad.parameters);
    for (size_t p = 0; p < parameters.size(); ++p) {
      for (const Scalar value : slopes[p].tensor->values()) ASSERT_TRUE(std::isfinite(value));
      Tensor& tensor = *parameters[p].tensor;
      for (int64_t i = 0; i < tensor.size(); ++i) {
        if (tensor[i] == 0) {  // the padding of a panel
          EXPECT_EQ((*slopes[p].tensor)[i], 0) << parameters[p].name << " padding " << i;
        } else {
          expect_slope(tensor[i], (*slopes[p].tensor)[i], parameters[p].name, i);
        }
      }
    }
  }

 private:
  // The sum of y weighted by weights_, a scalar whose slopes the layer should find.
  double value() {
    auto saved = layer_.make_saved(x_.shape(), Mode::train);
    forward(layer_, x_, y_, saved, context_);
    double sum = 0;
    for (int64_t i = 0; i < y_.size(); ++i)
      sum += static_cast<double>(y_[i]) * static_cast<double>(weights_[i]);
    return sum;
  }

  void expect_slope(Scalar& at, Scalar found, std::string_view name, int64_t i) {
    const Scalar kept = at;
    at = static_cast<Scalar>(static_cast<double>(kept) + step_size);
    const double above = static_cast<double>(at);
    const double high = value();
    at = static_cast<Scalar>(static_cast<double>(kept) - step_size);
    const double slope = (high - value()) / (above - static_cast<double>(at));
    at = kept;
    EXPECT_NEAR(static_cast<double>(found), slope, tolerance * std::max(1.0, std::fabs(slope)))
        << layer_.text() << ", input " << x_.shape().text() << ", " << name << " " << i;
  }

  L layer_;
  ThreadTeam team_;
  Context context_{team_, 3};
  Tensor x_, y_, weights_;
};

template <class... L>
void check_all(const std::variant<L...>*) {
  (
      [] {
        if constexpr (Layer<L>) {
          for (const auto& one : L::cases()) {
            SCOPED_TRACE(std::string(L::kind));
            GradientCheck<L>(one).run();
          }
        }
      }(),
      ...);
}

TEST(Layers, BackwardMatchesCentralDifferences) { check_all(static_cast<const AnyLayer*>(nullptr)); }

}  // namespace
}  // namespace mudra
