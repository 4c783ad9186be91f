#include "mudra/tuning/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "mudra/core/portable_math.h"
#include "mudra/core/rng.h"

namespace mudra {
namespace {

constexpr size_t random_trials = 10;  // before the estimator has something to go by
constexpr int candidates = 24;        // drawn for each dimension, of which the most promising is taken
constexpr size_t most_good = 25;

// The axis on which a number is drawn: its logarithm if it is so, and half a step more at each end of whole
// numbers, so that every one has the same room.
struct Axis {
  explicit Axis(const Dimension& of) : dimension(of) {
    const double half = of.is_whole ? 0.5 : 0;
    low = at(of.low - half);
    high = at(of.high + half);
  }
  double at(double value) const { return dimension.is_log ? portable::log(value) : value; }
  double value(double at) const { return readable(dimension, dimension.is_log ? portable::exp(at) : at); }

  const Dimension& dimension;
  double low, high;
};

// Of the normal distribution below x: Abramowitz and Stegun 1964, 7.1.26, absolute error below 1e-7.
double normal_below(double x) {
  const double z = std::abs(x) / std::sqrt(2.0), t = 1 / (1 + 0.3275911 * z);
  const double series =
      t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const double half = 0.5 * series * portable::exp(-z * z);
  return x < 0 ? half : 1 - half;
}

// A density over an axis: as many normal distributions as values seen, each as wide as the way to its
// neighbours, and one over the whole axis; cut off at the ends.
class Mixture {
 public:
  Mixture(const Axis& axis, std::span<const double> seen) : axis_(axis) {
    const double range = axis.high - axis.low;
    for (const double value : seen) normals_.push_back({axis.at(value), 0, 0});
    const Normal wide{0.5 * (axis.low + axis.high), range, 0};
    normals_.push_back(wide);
    std::ranges::sort(normals_, {}, &Normal::mean);
    const double narrowest = range / std::min<double>(100, 1 + static_cast<double>(normals_.size()));
    for (size_t i = 0; i < normals_.size(); ++i) {
      Normal& normal = normals_[i];
      if (normal.deviation == 0) {
        const double below = i > 0 ? normal.mean - normals_[i - 1].mean : 0;
        const double above = i + 1 < normals_.size() ? normals_[i + 1].mean - normal.mean : 0;
        normal.deviation = std::clamp(std::max(below, above), narrowest, range);
      }
      normal.inside = normal_below((axis.high - normal.mean) / normal.deviation) -
                      normal_below((axis.low - normal.mean) / normal.deviation);
    }
  }

  double draw(Rng& rng) const {
    const Normal& normal = normals_[rng.below(normals_.size())];
    for (;;) {
      const double at = rng.normal(normal.mean, normal.deviation);
      if (at >= axis_.low && at <= axis_.high) return at;
    }
  }

  double log_density(double at) const {
    double sum = 0;
    for (const Normal& normal : normals_) {
      const double z = (at - normal.mean) / normal.deviation;
      sum += portable::exp(-0.5 * z * z) / (normal.deviation * normal.inside);
    }
    return portable::log(std::max(sum / static_cast<double>(normals_.size()), 1e-300));
  }

 private:
  struct Normal {
    double mean, deviation;
    double inside;  // share of it on the axis
  };
  const Axis& axis_;
  std::vector<Normal> normals_;
};

// The share of each choice: one for every choice seen, of which a part, the smaller the more were seen, goes
// to all choices; and one more shared by all. Choices that look bad after a few trials are tried again so.
std::vector<double> shares(size_t choices, std::span<const double> seen) {
  const auto all = static_cast<double>(choices), kernels = static_cast<double>(seen.size() + 1);
  const double spread = 1 / kernels, whole = 1 + all * spread;
  std::vector<double> share(choices, 1 / all + static_cast<double>(seen.size()) * spread / whole);
  for (const double value : seen) share[static_cast<size_t>(value)] += 1 / whole;
  for (double& each : share) each /= kernels;
  return share;
}

size_t drawn_from(std::span<const double> share, Rng& rng) {
  double left = rng.uniform();
  for (size_t i = 0; i + 1 < share.size(); ++i) {
    if (left < share[i]) return i;
    left -= share[i];
  }
  return share.size() - 1;
}

double at_random(const Dimension& dimension, Rng& rng) {
  if (!dimension.is_number()) return static_cast<double>(rng.below(dimension.choices.size()));
  const Axis axis(dimension);
  return axis.value(rng.uniform(axis.low, axis.high));
}

// The candidate of the good ones' density that is the likeliest to be good.
double estimated(const Dimension& dimension, std::span<const double> good, std::span<const double> other,
                 Rng& rng) {
  double best = 0, best_score = 0;
  const auto consider = [&](int candidate, double value, double score) {
    if (candidate > 0 && score <= best_score) return;
    best = value;
    best_score = score;
  };
  if (dimension.is_number()) {
    const Axis axis(dimension);
    const Mixture likely(axis, good), unlikely(axis, other);
    for (int i = 0; i < candidates; ++i) {
      const double value = axis.value(likely.draw(rng)), at = axis.at(value);
      consider(i, value, likely.log_density(at) - unlikely.log_density(at));
    }
  } else {
    const std::vector<double> likely = shares(dimension.choices.size(), good);
    const std::vector<double> unlikely = shares(dimension.choices.size(), other);
    for (int i = 0; i < candidates; ++i) {
      const size_t choice = drawn_from(likely, rng);
      consider(i, static_cast<double>(choice), likely[choice] / unlikely[choice]);
    }
  }
  return best;
}

std::vector<double> values_of(const Dimension& dimension, std::span<const Draw> draws) {
  std::vector<double> values;
  for (const Draw& draw : draws) {
    if (const auto at = draw.find(dimension.name); at != draw.end()) values.push_back(at->second);
  }
  return values;
}

}  // namespace

Draw draw_trial(const SearchSpace& space, SamplerKind sampler, std::span<const Draw> tried, uint64_t seed,
                int trial) {
  const bool has_seen_enough = sampler == SamplerKind::tpe && tried.size() >= random_trials;
  const size_t good = std::min((tried.size() + 9) / 10, most_good);
  Draw draw;
  uint64_t number = 0;
  for (const Dimension& dimension : space.dimensions()) {
    Rng rng(seed, Purpose::search, static_cast<uint32_t>(trial), number++);
    if (!space.is_active(dimension, draw)) continue;
    if (has_seen_enough) {
      draw[dimension.name] = estimated(dimension, values_of(dimension, tried.first(good)),
                                       values_of(dimension, tried.subspan(good)), rng);
    } else {
      draw[dimension.name] = at_random(dimension, rng);
    }
  }
  return draw;
}

}  // namespace mudra
