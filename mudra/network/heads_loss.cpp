#include "mudra/network/heads_loss.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "mudra/simd/losses.h"

namespace mudra {

HeadsLoss::HeadsLoss(std::vector<Head> heads, int64_t places, int64_t max_batch, LossOptions options)
    : heads_(std::move(heads)),
      count_(places),
      channels_(channels_of(heads_)),
      target_values_(target_values_of(heads_)),
      options_(options),
      losses_(static_cast<size_t>(max_batch * places)),
      example_losses_(static_cast<size_t>(max_batch)) {
  const auto widest =
      std::ranges::max_element(heads_, {}, [](const Head& head) { return head.channels; })->channels;
  places_.reserve(losses_.size());
  for (Tensor* tensor : {&logits_, &values_, &scratch_, &gradient_})
    *tensor = Tensor({max_batch * places, widest});
}

BatchLoss HeadsLoss::operator()(const Tensor& outputs, const Tensor& targets, Tensor& doutputs,
                                std::span<const Scalar> weights, const Shards& shards,
                                std::span<int64_t> answered) {
  const int64_t images = outputs.shape()[0];
  assert(outputs.size() == images * count_ * channels_);
  assert(targets.size() == images * count_ * target_values_);
  const int64_t batch_size = shards.batch_size(images);
  BatchLoss result;
  std::fill_n(example_losses_.begin(), images, 0.0);
  if (doutputs.data()) doutputs.fill(0);  // places that do not count
  int64_t channel = 0, target = 0;
  bool is_first = true;
  for (const Head& head : heads_) {
    const At at{head, channel, target};
    gather(at, outputs, targets);
    if (head.kind == HeadKind::classes) {
      classes(at, targets);
      if (std::exchange(is_first, false)) count(at, targets, result, answered);
    } else if (head.kind == HeadKind::presence) {
      presence(at, targets);
    } else {
      distance(at, targets);
    }
    scatter(at, targets, weights, static_cast<Scalar>(batch_size), doutputs);
    channel += head.channels;
    target += head.target_values();
  }
  const ShardBegins begins = shards.begins(images);
  for (size_t shard = 0; shard < gradient_shards; ++shard) {
    double sum = 0;
    for (int64_t i = begins[shard]; i < begins[shard + 1]; ++i)
      sum += example_losses_[static_cast<size_t>(i)];
    result.sum += sum;
  }
  result.mean = result.sum / static_cast<double>(batch_size);
  return result;
}

void HeadsLoss::gather(const At& at, const Tensor& outputs, const Tensor& targets) {
  places_.clear();
  Scalar* to = logits_.data();
  for (int64_t place = 0; place < outputs.size() / channels_; ++place) {
    if (!(targets[place * target_values_ + at.target] > 0)) continue;
    places_.push_back(place);
    to = std::copy_n(outputs.data() + place * channels_ + at.channel, at.head.channels, to);
  }
}

void HeadsLoss::classes(const At& at, const Tensor& targets) {
  const int64_t k = at.head.channels;
  SoftmaxRow row(k, options_.label_smoothing);
  exp_minus_maximum(logits_.data(), static_cast<int64_t>(places_.size()), k, scratch_.data(), values_.data());
  for (size_t m = 0; m < places_.size(); ++m) {
    const int64_t begin = static_cast<int64_t>(m) * k;
    const Scalar* e = scratch_.data() + begin;
    const auto label = static_cast<int32_t>(target(at, targets, m)[1]);
    losses_[m] = row.loss(logits_.data() + begin, e, values_[static_cast<int64_t>(m)], label);
    row.gradient(e, label, 1, 1, gradient_.data() + begin);
  }
}

// dl/dz = (sigmoid(z) - t) / C
void HeadsLoss::presence(const At& at, const Tensor& targets) {
  const int64_t c = at.head.channels;
  const auto channels = static_cast<Scalar>(c);
  const auto all = static_cast<int64_t>(places_.size()) * c;
  for (size_t m = 0; m < places_.size(); ++m)
    std::copy_n(target(at, targets, m) + 1, c, values_.data() + static_cast<int64_t>(m) * c);
  binary_cross_entropy(logits_.data(), values_.data(), all, scratch_.data(), gradient_.data());
  for (size_t m = 0; m < places_.size(); ++m) {
    const Scalar* l = scratch_.data() + static_cast<int64_t>(m) * c;
    double sum = 0;
    for (int64_t i = 0; i < c; ++i) sum += static_cast<double>(l[i]);
    losses_[m] = sum / static_cast<double>(c);
  }
  for (int64_t i = 0; i < all; ++i) gradient_[i] /= channels;
}

// dl/dz = r / C where |r| <= 1, else sign(r) / C: r itself, cut off at -1 and 1
void HeadsLoss::distance(const At& at, const Tensor& targets) {
  const int64_t c = at.head.channels;
  const auto channels = static_cast<Scalar>(c);
  for (size_t m = 0; m < places_.size(); ++m) {
    const Scalar* t = target(at, targets, m) + 1;
    const Scalar* z = logits_.data() + static_cast<int64_t>(m) * c;
    Scalar* dz = gradient_.data() + static_cast<int64_t>(m) * c;
    double sum = 0;
    for (int64_t i = 0; i < c; ++i) {
      const Scalar r = z[i] - t[i], size = std::fabs(r);
      sum += static_cast<double>(size <= 1 ? r * r / 2 : size - Scalar(0.5));
      dz[i] = (size <= 1 ? r : std::copysign(Scalar(1), r)) / channels;
    }
    losses_[m] = sum / static_cast<double>(c);
  }
}

void HeadsLoss::count(const At& at, const Tensor& targets, BatchLoss& result,
                      std::span<int64_t> answered) const {
  for (size_t m = 0; m < places_.size(); ++m) {
    const int32_t answer =
        argmax(logits_.data() + static_cast<int64_t>(m) * at.head.channels, at.head.channels);
    result.right += answer == static_cast<int32_t>(target(at, targets, m)[1]);
    if (!answered.empty()) ++answered[static_cast<size_t>(answer)];
  }
  result.counted = static_cast<int64_t>(places_.size());
}

// dL/dz = w v u dl/dz / (P N)
void HeadsLoss::scatter(const At& at, const Tensor& targets, std::span<const Scalar> weights,
                        Scalar batch_size, Tensor& doutputs) {
  const int64_t c = at.head.channels;
  const Scalar divisor = batch_size * static_cast<Scalar>(count_);
  for (size_t m = 0; m < places_.size(); ++m) {
    const auto image = static_cast<size_t>(places_[m] / count_);
    const Scalar of_image = weights.empty() ? 1 : weights[image];
    const Scalar weight = of_image * static_cast<Scalar>(at.head.weight) * target(at, targets, m)[0];
    example_losses_[image] += static_cast<double>(weight) * losses_[m] / static_cast<double>(count_);
    if (!doutputs.data()) continue;
    const Scalar* dz = gradient_.data() + static_cast<int64_t>(m) * c;
    Scalar* to = doutputs.data() + places_[m] * channels_ + at.channel;
    for (int64_t i = 0; i < c; ++i) to[i] = weight * dz[i] / divisor;
  }
}

}  // namespace mudra
